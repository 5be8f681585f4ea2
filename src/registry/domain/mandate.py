"""Mandates: the content that is signed, the signatures, and the record that is sealed.

A mandate never changes. What happens to it later is an event (`registry.domain.events`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from registry.domain.documents import (
    Json,
    named_party_document,
    party_document,
    read_named_party,
    read_party,
    utc_text,
    utc_time,
)
from registry.domain.parties import NamedParty, Party, PartyType
from registry.domain.template import MandateKind, SignatureMethod

RECORD_SCHEMA = "mandate/1"
CONTENT_SCHEMA = "mandate-content/1"

EVIDENCE_TYPE = "mandate-signature+jwt"
"""The `typ` of a `jws` signature's evidence."""


class Basis(StrEnum):
    """What the mandate rests on."""

    VOLUNTARY = "voluntary"
    STATUTORY = "statutory"
    COURT = "court"


class Capacity(StrEnum):
    """In which capacity somebody signs."""

    PRINCIPAL = "principal"
    SIGNATORY = "signatory"
    GUARDIAN = "guardian"
    AUTHORITY = "authority"
    REPRESENTATIVE = "representative"
    REGISTRAR = "registrar"


@dataclass(frozen=True, slots=True)
class SignatoryAlternative:
    """One way to sign for an organisation: at least `count` of these persons."""

    any_of: frozenset[Party]
    count: int


@dataclass(frozen=True, slots=True)
class SignatoryRule:
    """Who may sign for an organisation: any one of the alternatives suffices. `text` is as registered."""

    alternatives: tuple[SignatoryAlternative, ...]
    text: str | None = None


@dataclass(frozen=True, slots=True)
class PrincipalDetails:
    """What is stated of an organisation that grants, by whom (`source`) and when it was looked up.

    The principal; in a sub-mandate the organisation that is the parent's representative.
    """

    form: str | None = None
    signatory_rule: SignatoryRule | None = None
    source: str | None = None
    retrieved_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MandateContent:
    """What the principal signs, with every default filled in.

    Times are aware UTC; `valid_until` is exclusive, None is open-ended. `request_id` is the mandate request
    that asks for it: what was signed for one request is good for no other.
    """

    template_id: UUID
    template_version: int
    text_digest: str
    kind: MandateKind
    third_party: NamedParty
    principal: NamedParty
    principal_role: PartyType
    representatives: tuple[NamedParty, ...]
    permissions: tuple[str, ...]
    valid_from: datetime
    valid_until: datetime | None
    language: str
    basis: Basis = Basis.VOLUNTARY
    specifier: Mapping[str, str] = field(default_factory=dict)
    parent: UUID | None = None
    supersedes: UUID | None = None
    principal_details: PrincipalDetails | None = None
    permission_details: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    external_ref: str | None = None
    request_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Signature:
    """One party's act of signing, verified (`jws`, `se-bankid`) or attested (`registered`, `paper`).

    `signer` of a verified one is the person that the evidence names, never what the request claims, and
    `issuer` whose word it is; an attested one names the `registrar` instead.
    `evidence_digest` is the base64url SHA-256 of the evidence exactly as received.
    """

    signer: NamedParty
    capacity: Capacity
    method: SignatureMethod
    signed_at: datetime
    evidence_format: str
    evidence_digest: str
    registrar: Party | None = None
    issuer: str | None = None


@dataclass(frozen=True, slots=True)
class Mandate:
    """An issued mandate, as its sealed record says.

    `ancestors` of a sub-mandate: root first, parent last. `request_id` where it came from a mandate request.
    """

    id: UUID
    content: MandateContent
    content_digest: str
    signatures: tuple[Signature, ...]
    issued_at: datetime
    registered_by: str
    ancestors: tuple[UUID, ...] = ()
    request_id: UUID | None = None


def content_document(content: MandateContent) -> dict[str, Json]:
    """Show the content as the document whose RFC 8785 bytes are signed.

    Every member is always present but `request_id`, which only what was asked for has.
    """
    details = content.principal_details
    return {
        **({} if content.request_id is None else {"request_id": str(content.request_id)}),
        "schema": CONTENT_SCHEMA,
        "template": {
            "id": str(content.template_id),
            "version": content.template_version,
            "text_digest": content.text_digest,
        },
        "kind": content.kind.value,
        "third_party": named_party_document(content.third_party),
        "principal": named_party_document(content.principal),
        "principal_role": content.principal_role.value,
        "representatives": [named_party_document(party) for party in content.representatives],
        "permissions": list(content.permissions),
        "specifier": dict(content.specifier),
        "valid_from": utc_text(content.valid_from),
        "valid_until": None if content.valid_until is None else utc_text(content.valid_until),
        "language": content.language,
        "basis": content.basis.value,
        "parent": None if content.parent is None else str(content.parent),
        "supersedes": None if content.supersedes is None else str(content.supersedes),
        "principal_details": None if details is None else _details_document(details),
        "permission_details": {code: dict(values) for code, values in content.permission_details.items()},
        "external_ref": content.external_ref,
    }


def record_document(mandate: Mandate) -> dict[str, Json]:
    """Show the whole record as the document that the registry seals; what does not apply is left out."""
    document: dict[str, Json] = {
        "schema": RECORD_SCHEMA,
        "id": str(mandate.id),
        "issued_at": utc_text(mandate.issued_at),
        "registered_by": mandate.registered_by,
        "content": content_document(mandate.content),
        "content_digest": mandate.content_digest,
        "signatures": [signature_document(signature) for signature in mandate.signatures],
    }
    if mandate.request_id is not None:
        document["request_id"] = str(mandate.request_id)
    if mandate.ancestors:
        document["ancestors"] = [str(mandate_id) for mandate_id in mandate.ancestors]
    return document


def read_record(document: Mapping[str, Any]) -> Mandate:
    """Read what `record_document` wrote. The document is the registry's own: faults are bugs (KeyError)."""
    return Mandate(
        id=UUID(document["id"]),
        content=read_content(document["content"]),
        content_digest=document["content_digest"],
        signatures=tuple(read_signature(item) for item in document["signatures"]),
        issued_at=utc_time(document["issued_at"]),
        registered_by=document["registered_by"],
        ancestors=tuple(map(UUID, document.get("ancestors", ()))),
        request_id=UUID(document["request_id"]) if "request_id" in document else None,
    )


def _details_document(details: PrincipalDetails) -> dict[str, Json]:
    rule = details.signatory_rule
    return {
        "form": details.form,
        "signatory_rule": None
        if rule is None
        else {
            "text": rule.text,
            "alternatives": [
                {
                    "any_of": [party_document(party) for party in sorted(alternative.any_of)],
                    "count": alternative.count,
                }
                for alternative in rule.alternatives
            ],
        },
        "source": details.source,
        "retrieved_at": None if details.retrieved_at is None else utc_text(details.retrieved_at),
    }


def signature_document(signature: Signature) -> dict[str, Json]:
    """Show a signature as a record holds it; the evidence itself is kept beside."""
    return {
        "signer": named_party_document(signature.signer),
        "capacity": signature.capacity.value,
        "method": signature.method.value,
        "signed_at": utc_text(signature.signed_at),
        "evidence": {"format": signature.evidence_format, "digest": signature.evidence_digest},
        "registrar": None if signature.registrar is None else party_document(signature.registrar),
        "issuer": signature.issuer,
    }


def read_content(document: Mapping[str, Any]) -> MandateContent:
    """Read what `content_document` wrote. Faults are bugs (KeyError)."""
    template, details = document["template"], document["principal_details"]
    return MandateContent(
        template_id=UUID(template["id"]),
        template_version=template["version"],
        text_digest=template["text_digest"],
        kind=MandateKind(document["kind"]),
        third_party=read_named_party(document["third_party"]),
        principal=read_named_party(document["principal"]),
        principal_role=PartyType(document["principal_role"]),
        representatives=tuple(read_named_party(party) for party in document["representatives"]),
        permissions=tuple(document["permissions"]),
        valid_from=utc_time(document["valid_from"]),
        valid_until=None if document["valid_until"] is None else utc_time(document["valid_until"]),
        language=document["language"],
        basis=Basis(document["basis"]),
        specifier=document["specifier"],
        parent=None if document["parent"] is None else UUID(document["parent"]),
        supersedes=None if document["supersedes"] is None else UUID(document["supersedes"]),
        principal_details=None if details is None else _read_details(details),
        permission_details=document["permission_details"],
        external_ref=document["external_ref"],
        request_id=UUID(document["request_id"]) if "request_id" in document else None,
    )


def _read_details(document: Mapping[str, Any]) -> PrincipalDetails:
    rule, retrieved_at = document["signatory_rule"], document["retrieved_at"]
    return PrincipalDetails(
        form=document["form"],
        signatory_rule=None
        if rule is None
        else SignatoryRule(
            tuple(
                SignatoryAlternative(frozenset(map(read_party, item["any_of"])), item["count"])
                for item in rule["alternatives"]
            ),
            rule["text"],
        ),
        source=document["source"],
        retrieved_at=None if retrieved_at is None else utc_time(retrieved_at),
    )


def read_signature(document: Mapping[str, Any]) -> Signature:
    """Read what `signature_document` wrote. Faults are bugs (KeyError)."""
    registrar = document["registrar"]
    return Signature(
        signer=read_named_party(document["signer"]),
        capacity=Capacity(document["capacity"]),
        method=SignatureMethod(document["method"]),
        signed_at=utc_time(document["signed_at"]),
        evidence_format=document["evidence"]["format"],
        evidence_digest=document["evidence"]["digest"],
        registrar=None if registrar is None else read_party(registrar),
        issuer=document["issuer"],
    )
