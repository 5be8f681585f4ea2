"""The evidence bundle on the wire."""

from typing import Annotated, Any, Self

from pydantic import Field

from registry.api.models.fields import Id, UtcTime, WireOut
from registry.proofs.bundle import Bundle, bundle_document

SealedText = Annotated[str, Field(description="A compact JWS: the exact bytes that were recorded")]
SaltText = Annotated[
    str, Field(description="Base64url: the entry's commitment is SHA-256(0x01, salt, sealed bytes)")
]
ProofText = Annotated[str, Field(description="c2sp.org/tlog-proof@v1: the entry's path, and the checkpoint")]


class LoggedRecordOut(WireOut):
    """A sealed record with what proves that it is in the log. Number 0 is the mandate, the others events."""

    number: int
    sealed: SealedText
    salt: SaltText
    proof: ProofText


class LoggedTemplateOut(WireOut):
    """The template version that was signed, as published. Its commitment has a salt of 32 zero bytes."""

    id: Id
    version: int
    sealed: SealedText
    proof: ProofText


class SignatureEvidenceOut(WireOut):
    """What proves one of the record's signatures, exactly as received, in their order."""

    evidence: str


class EvidenceBundleOut(WireOut):
    """All that proves one mandate, to archive and to check offline with `registry verify`."""

    schema_: Annotated[str, Field(alias="schema", examples=["evidence-bundle/1"])]
    mandate_id: Id
    made_at: UtcTime
    record: LoggedRecordOut
    events: list[LoggedRecordOut]
    signatures: list[SignatureEvidenceOut]
    template: LoggedTemplateOut
    keys: Annotated[
        list[dict[str, Any]], Field(description="JWKs of the seals; `nbf` and `exp` bound when each sealed")
    ]
    log_keys: Annotated[list[str], Field(description="Verifier keys of the log (c2sp.org/signed-note)")]
    checkpoint: Annotated[str, Field(description="c2sp.org/tlog-checkpoint: the one that all proofs lead to")]

    @classmethod
    def of(cls, bundle: Bundle) -> Self:
        """Show a bundle."""
        return cls.model_validate(bundle_document(bundle))
