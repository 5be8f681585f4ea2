"""Canonical JSON bytes and digests: what is signed and what is hashed.

The registry's documents hold no floats, only ASCII member names and integers within 2**53, and for those
sorted `orjson` output equals RFC 8785 (a property test holds it against the reference library).
"""

import hashlib

import orjson

from registry.domain.documents import Document
from registry.signing.encodings import encode_base64url


def canonical_bytes(document: Document) -> bytes:
    """Serialise a document as RFC 8785 does. Raises TypeError for what is not JSON."""
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


def digest(data: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(data).digest()


def base64url_digest(data: bytes) -> str:
    """SHA-256 in base64url, the form in which digests travel."""
    return encode_base64url(digest(data))
