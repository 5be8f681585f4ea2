"""Mandates on the wire: what is issued, and what is answered."""

from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from registry.api.models.fields import (
    Code,
    EndTime,
    Id,
    UtcTime,
    WireIn,
    WireOut,
)
from registry.api.models.parties import PartyIn, PartyOut
from registry.api.models.proposals import ProposalIn
from registry.domain.events import Status
from registry.domain.mandate import (
    Basis,
    Capacity,
    Signature,
    content_document,
)
from registry.domain.parties import PartyType
from registry.domain.template import MandateKind, SignatureMethod
from registry.operations.evidence import ClaimedSignature
from registry.operations.look_up_mandate import FoundMandate

_MAX_WORDS = 20_000


class EvidenceIn(WireIn):
    """What proves a signature.

    `jws`: a compact JWS by an e-ID issuer. `xmldsig`: BankID's completion data as JSON text, `{"signature":
    base64, "ocspResponse": base64}`, whose `usrNonVisibleData` is base64 of the `digest` to sign.
    `statement`: what an employee attests, in words. `attachment`: a scan as JSON text, `{"media_type",
    "sha256" (hexadecimal), "content" (base64), "statement", "name"?, "metadata"?}`. A JWS and a statement
    have at most 20,000 characters, completion data 200,000, a scan what the request has room for.
    """

    format: Annotated[str, Field(pattern="^(jws|statement|xmldsig|attachment)$", examples=["jws"])]
    data: Annotated[str, Field(min_length=1, max_length=15_000_000)]

    @model_validator(mode="after")
    def _check_length(self) -> Self:
        if self.format in {"jws", "statement"} and len(self.data) > _MAX_WORDS:
            message = f"String should have at most {_MAX_WORDS} characters"
            raise PydanticCustomError("string_too_long", "{message}", {"message": message, "member": "data"})
        return self


class SignatureIn(WireIn):
    """One act of signing. Who signed by an e-ID (`jws`, `se-bankid`) is read from the evidence."""

    capacity: Capacity
    method: SignatureMethod
    evidence: EvidenceIn
    signer: PartyIn | None = None
    signed_at: UtcTime | None = None
    registrar: Annotated[
        PartyIn | None, Field(description="The employee who attests a paper original, scheme `username`")
    ] = None

    def to_claim(self) -> ClaimedSignature:
        """The signature as claimed, in the operations' terms."""
        return ClaimedSignature(
            capacity=self.capacity,
            method=self.method,
            evidence_format=self.evidence.format,
            evidence=self.evidence.data,
            signer=None if self.signer is None else self.signer.to_named(),
            signed_at=self.signed_at,
            registrar=None if self.registrar is None else self.registrar.party,
        )


class MandateIn(ProposalIn):
    """A mandate to be issued. An absent `valid_until` is the template's default, null is open-ended."""

    signatures: Annotated[list[SignatureIn], Field(max_length=20)] = []


class TemplatePinned(WireOut):
    """The template version that was signed, and the digest of its text in the mandate's language."""

    id: Id
    version: int
    text_digest: str


class EvidenceOut(WireOut):
    """What kind of evidence lies behind a signature, and its SHA-256 in base64url."""

    format: str
    digest: str


class SignatureOut(WireOut):
    """One act of signing, as recorded. `issuer` is the e-ID issuer that attests a verified one."""

    signer: PartyOut
    capacity: Capacity
    method: SignatureMethod
    signed_at: UtcTime
    evidence: EvidenceOut
    registrar: PartyOut | None = None
    issuer: str | None = None

    @classmethod
    def of(cls, signature: Signature) -> Self:
        """Show a signature."""
        return cls(
            signer=PartyOut.of(signature.signer),
            capacity=signature.capacity,
            method=signature.method,
            signed_at=signature.signed_at,
            evidence=EvidenceOut(format=signature.evidence_format, digest=signature.evidence_digest),
            registrar=None if signature.registrar is None else PartyOut.of_party(signature.registrar),
            issuer=signature.issuer,
        )


class ContentOut(WireOut):
    """The content of a mandate, every default filled in: exactly what is signed."""

    schema_: Annotated[str, Field(alias="schema", examples=["mandate-content/1"])]
    template: TemplatePinned
    kind: MandateKind
    third_party: PartyOut
    principal: PartyOut
    principal_role: PartyType
    principal_details: dict[str, Any] | None
    representatives: list[PartyOut]
    permissions: list[str]
    permission_details: dict[str, dict[str, str]]
    specifier: dict[str, str]
    valid_from: UtcTime
    valid_until: EndTime | None
    language: str
    basis: Basis
    parent: Id | None
    supersedes: Id | None
    external_ref: str | None


class MandateOut(ContentOut):
    """An issued mandate with its status now."""

    id: Id
    status: Status
    issued_at: UtcTime
    registered_by: Annotated[str, Field(examples=["urn:registry:client:demo-platform"])]
    content_digest: str
    record_digest: Annotated[str, Field(description="SHA-256 of the sealed record, base64url")]
    signatures: list[SignatureOut]
    request_id: Annotated[Id | None, Field(description="The mandate request that it came from")] = None
    consistency_token: Annotated[
        str | None, Field(description="Send it as `at_least` to be answered from a state no older than this")
    ] = None

    @classmethod
    def of(cls, found: FoundMandate, consistency_token: str | None = None) -> Self:
        """Show a mandate."""
        mandate = found.mandate
        members: dict[str, Any] = dict(content_document(mandate.content))
        return cls.model_validate(
            members
            | {
                "id": mandate.id,
                "status": found.status,
                "issued_at": mandate.issued_at,
                "registered_by": mandate.registered_by,
                "content_digest": mandate.content_digest,
                "record_digest": found.record_digest,
                "signatures": [SignatureOut.of(item) for item in mandate.signatures],
                "request_id": mandate.request_id,
                "consistency_token": consistency_token,
            }
        )


class IssuedMandateOut(MandateOut):
    """A mandate that was issued now."""

    also_ended: Annotated[
        list[Id], Field(description="The sub-mandates that ended with the mandate that this one supersedes")
    ]

    @classmethod
    def of_issued(cls, found: FoundMandate, consistency_token: str, also_ended: list[UUID]) -> Self:
        """Show a mandate that was issued, and what ended by it."""
        shown = MandateOut.of(found, consistency_token).model_dump(by_alias=True)
        return cls.model_validate(shown | {"also_ended": also_ended})


class ConflictOut(WireOut):
    """What stands in the way of issuing: what is in force already, or that `supersedes` is not possible.

    `mandate_id` is what stands there, where you may see it; `pointer` the member that it is about, or empty.
    """

    code: Annotated[str, Field(examples=["already_in_force", "unknown_mandate", "may_not_revoke"])]
    pointer: Annotated[str, Field(examples=["", "/supersedes"])]
    message: str
    mandate_id: Id | None


class PreviewOut(WireOut):
    """A mandate that would be issued once signed. Sign `to_be_signed`; send `content`'s times unchanged."""

    to_be_signed: Annotated[str, Field(description="base64url of the RFC 8785 bytes of `content`")]
    digest: Annotated[str, Field(description="base64url SHA-256 of those bytes: the `content_digest` claim")]
    capacity: Annotated[Capacity, Field(description="In which capacity this mandate is signed")]
    content: ContentOut
    conflicts: Annotated[
        list[ConflictOut], Field(description="Why issuing would be refused as things stand; empty where not")
    ]


class MandateSearchIn(WireIn):
    """Which mandates to find, among those that your organisation has a part in."""

    principal: PartyIn | None = None
    representative: PartyIn | None = None
    third_party: PartyIn | None = None
    template_id: Id | None = None
    permission: Code | None = None
    kind: MandateKind | None = None
    status: Status | None = None
    valid_at: UtcTime | None = None
    limit: Annotated[int, Field(strict=True, ge=1, le=100)] = 20
    cursor: Id | None = None


class MandateList(WireOut):
    """One page of mandates in the order of issue; `next` is the cursor of the next page, null at the end."""

    items: list[MandateOut]
    next: Id | None


class StatusesIn(WireIn):
    """Whose status is asked: up to 1,000 ids."""

    ids: Annotated[list[Id], Field(min_length=1, max_length=1000)]


class StatusOut(WireOut):
    """The status now; `not_found` is an unknown id, and one that is not yours to see."""

    id: Id
    status: Annotated[str, Field(examples=["active"], json_schema_extra={"enum": [*Status, "not_found"]})]


class StatusList(WireOut):
    """The statuses in the order asked."""

    items: list[StatusOut]
    checked_at: UtcTime
