"""Acting contexts: a permit as a signed token that names nobody, for another e-service to exchange.

A compact JWS by the registry's key. Who acts for whom is encrypted in it under a key of its own, derived from
the registry's token key, so that whoever carries the token reads no identifier in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from registry.domain.documents import Document, Json, party_document, read_party
from registry.domain.parties import Party, PartyType
from registry.signing.canonical import canonical_bytes
from registry.signing.encodings import decode_base64url, encode_base64url
from registry.signing.encryption import DecryptionError, decrypt, encrypt
from registry.signing.keys import KeyRing
from registry.signing.records import SealError, SealType, open_seal, seal

_LABEL = b"acting-context/1"
_READING_ERRORS = (KeyError, TypeError, ValueError, OverflowError, AttributeError)


class InvalidContextError(ValueError):
    """Not an acting context that this registry gave and that is still good; `is_expired` where it was."""

    def __init__(self, *, is_expired: bool = False) -> None:
        """Tell an expired one from any other."""
        super().__init__()
        self.is_expired = is_expired


@dataclass(frozen=True, slots=True)
class CarriedApproval:
    """The approval of a matter, and the digest of its content."""

    approval_id: UUID
    content_digest: str


@dataclass(frozen=True, slots=True)
class ActingContext:
    """Who acts for whom, as one third party was permitted; `id` is that of the verification's audit row.

    `permissions` are the answers that it was given on, as the verification's receipt shows them. `approval`
    is the one that the question named.
    """

    id: str
    third_party: Party
    principal: Party
    principal_role: PartyType | None
    representative: Party
    together_with: tuple[Party, ...]
    permissions: Sequence[Json]
    expires_at: datetime
    approval: CarriedApproval | None = None


def seal_context(context: ActingContext, keys: KeyRing, *, issuer: str, now: datetime) -> str:
    """Write a context as a token (`acting-context+jwt`). Its `exp` is whole seconds, rounded down."""
    parties: dict[str, Json] = {
        "principal": party_document(context.principal),
        "principal_role": None if context.principal_role is None else context.principal_role.value,
        "representative": party_document(context.representative),
        "together_with": [party_document(party) for party in context.together_with],
    }
    if context.approval is not None:
        parties["approval"] = {
            "id": str(context.approval.approval_id),
            "content_digest": context.approval.content_digest,
        }
    document: Document = {
        "iss": issuer,
        "iat": int(now.timestamp()),
        "exp": int(context.expires_at.timestamp()),
        "jti": context.id,
        "third_party": party_document(context.third_party),
        "permissions": list(context.permissions),
        "parties": encode_base64url(
            encrypt(_key(keys, context.id), canonical_bytes(parties), _place(context.id))
        ),
    }
    return seal(document, keys, SealType.ACTING_CONTEXT, now=now).decode("ascii")


def open_context(token: str, keys: KeyRing, *, issuer: str, now: datetime) -> ActingContext:
    """Read a token. Raises InvalidContextError for a forged, foreign or expired one."""
    try:
        document = open_seal(token.encode("ascii"), keys, SealType.ACTING_CONTEXT)
        context = _read(document, keys)
    except (SealError, DecryptionError, *_READING_ERRORS) as error:
        raise InvalidContextError from error
    if document["iss"] != issuer:
        raise InvalidContextError
    if now >= context.expires_at:
        raise InvalidContextError(is_expired=True)
    return context


def _read(document: dict[str, Any], keys: KeyRing) -> ActingContext:
    context_id = document["jti"]
    plain = decrypt(_key(keys, context_id), decode_base64url(document["parties"]), _place(context_id))
    parties = orjson.loads(plain)
    role, approval = parties["principal_role"], parties.get("approval")
    return ActingContext(
        id=context_id,
        third_party=read_party(document["third_party"]),
        principal=read_party(parties["principal"]),
        principal_role=None if role is None else PartyType(role),
        representative=read_party(parties["representative"]),
        together_with=tuple(map(read_party, parties["together_with"])),
        permissions=document["permissions"],
        expires_at=datetime.fromtimestamp(document["exp"], UTC),
        approval=None
        if approval is None
        else CarriedApproval(UUID(approval["id"]), approval["content_digest"]),
    )


def _key(keys: KeyRing, context_id: str) -> bytes:
    """A key for each context alone: random nonces never meet under it."""
    return keys.mac(_LABEL + context_id.encode())


def _place(context_id: str) -> str:
    return f"acting-context/{context_id}"
