"""Sealing: a document becomes exact signed bytes, a compact ES256 JWS by the registry's current key.

The sealed bytes are the truth. They are stored before they are acknowledged and never re-serialised.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson

from registry.domain.documents import Document
from registry.signing.canonical import canonical_bytes
from registry.signing.jose import InvalidTokenError, sign_compact, verify_compact
from registry.signing.keys import KeyRing

MAX_SEALED_CHARS = 8_000_000
"""Longer than any document that a request of the largest size can become."""


class SealType(StrEnum):
    """The JWS `typ` per kind of document: one is never taken for another (RFC 8725 section 3.11)."""

    MANDATE = "mandate-record+jwt"
    EVENT = "mandate-event+jwt"
    ENTRY = "registry-entry+jwt"
    TEMPLATE = "template-record+jwt"
    ACTING_CONTEXT = "acting-context+jwt"
    RECEIPT = "mandate-receipt+jwt"
    BATCH_RECEIPT = "mandate-batch-receipt+jwt"


class SealError(Exception):
    """The sealed bytes were changed, or were not sealed by this registry."""


def seal(document: Document, keys: KeyRing, seal_type: SealType, *, now: datetime) -> bytes:
    """Sign the canonical bytes of a document: a compact JWS in ASCII."""
    token = sign_compact(canonical_bytes(document), keys.signing_key(now), typ=seal_type.value)
    return token.encode()


def open_seal(sealed: bytes, keys: KeyRing, seal_type: SealType) -> dict[str, Any]:
    """Check the signature and return the document. Raises SealError."""
    try:
        verified = verify_compact(
            sealed.decode(), keys.verification_keys(), typ=seal_type.value, max_chars=MAX_SEALED_CHARS
        )
    except (InvalidTokenError, UnicodeDecodeError) as error:
        raise SealError(str(error)) from error
    document = orjson.loads(verified.payload)
    if not isinstance(document, dict):
        raise SealError("the sealed payload is not an object")
    return document
