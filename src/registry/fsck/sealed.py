"""Opening what is stored, step by step: data key, ciphertext, commitment, seal. Each fault is noted once."""

from collections.abc import Mapping
from typing import Any

from registry.domain.template import TemplateContent, read_content
from registry.fsck.findings import Kind, Row, Spot
from registry.signing.canonical import base64url_digest, canonical_bytes
from registry.signing.encryption import DataSecret, DecryptionError, commitment, decrypt, salt
from registry.signing.keys import KeyFileError, KeyRing
from registry.signing.records import SealError, SealType, open_seal

READING_ERRORS = (KeyError, TypeError, ValueError, AttributeError)
"""What reading a document of another shape raises."""


def open_secret(row: Row, keys: KeyRing, spot: Spot) -> DataSecret | None:
    """Unwrap a row of `erasable_secrets`; None, and noted, where it cannot be."""
    try:
        return keys.unwrap(row["kek_number"], row["wrapped"], str(row["subject_id"]))
    except KeyFileError:
        spot.note("kek_number", Kind.UNDECRYPTABLE)
    except DecryptionError:
        spot.note("wrapped", Kind.UNDECRYPTABLE)
    return None


def open_ciphertext(row: Row, secret: DataSecret, place: str, spot: Spot) -> bytes | None:
    """Decrypt a row's `ciphertext`, which must have been encrypted for this place."""
    try:
        return decrypt(secret.data_key, row["ciphertext"], place)
    except DecryptionError:
        spot.note("ciphertext", Kind.UNDECRYPTABLE)
        return None


def open_sealed(row: Row, secret: DataSecret, place: str, spot: Spot) -> bytes | None:
    """Decrypt a row's sealed bytes and check its `commitment` to them."""
    sealed = open_ciphertext(row, secret, place, spot)
    if sealed is not None and row["commitment"] != commitment(salt(secret, place), sealed):
        spot.note("commitment", Kind.COMMITMENT_MISMATCH)
    return sealed


def open_document(
    sealed: bytes, keys: KeyRing, seal_type: SealType, column: str, spot: Spot
) -> dict[str, Any] | None:
    """Check the seal and return the document. `column` is where the sealed bytes are stored."""
    try:
        return open_seal(sealed, keys, seal_type)
    except SealError:
        spot.note(column, Kind.SEAL_BROKEN)
        return None


def read_publication(document: Mapping[str, Any], spot: Spot) -> TemplateContent | None:
    """Read the content in the record of a template's publication, and check its digest."""
    try:
        stored = document["content"]
        if document["content_digest"] != base64url_digest(canonical_bytes(stored)):
            spot.note("sealed.content_digest", Kind.DIGEST_MISMATCH)
        return read_content(stored)
    except READING_ERRORS:
        spot.note("sealed.content", Kind.UNREADABLE)
        return None
