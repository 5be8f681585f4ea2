"""Encryption of what is stored, and the commitments that stand in for it.

Each mandate has a data key of its own, and each month of the access log. A data key comes with a salt
secret from which the salt of every record's commitment is derived; both are wrapped together by a
key-encryption key that never enters the database. Destroying the wrapped secret erases the subject.
"""

import hmac
import os
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_KEY_BYTES = 32
_NONCE_BYTES = 12


class DecryptionError(Exception):
    """The ciphertext was changed, or belongs to another key or another place."""


@dataclass(frozen=True, slots=True)
class DataSecret:
    """The data key (AES-256) and the salt secret of one subject, in the clear: never stored, never logged."""

    data_key: bytes
    salt_secret: bytes


def new_data_secret() -> DataSecret:
    """Make fresh random secrets."""
    return DataSecret(os.urandom(_KEY_BYTES), os.urandom(_KEY_BYTES))


def encrypt(key: bytes, plaintext: bytes, place: str) -> bytes:
    """AES-256-GCM: random 96-bit nonce, then ciphertext and tag.

    `place` (table and row) is authenticated with it, so that a ciphertext moved to another row fails.
    """
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, place.encode())


def decrypt(key: bytes, ciphertext: bytes, place: str) -> bytes:
    """Undo `encrypt`. Raises DecryptionError for a changed or misplaced ciphertext."""
    try:
        return AESGCM(key).decrypt(ciphertext[:_NONCE_BYTES], ciphertext[_NONCE_BYTES:], place.encode())
    except (InvalidTag, ValueError) as error:
        raise DecryptionError(place) from error


def wrap(kek: bytes, secret: DataSecret, subject: str) -> bytes:
    """Encrypt a subject's secrets under a key-encryption key."""
    return encrypt(kek, secret.data_key + secret.salt_secret, f"secret:{subject}")


def unwrap(kek: bytes, wrapped: bytes, subject: str) -> DataSecret:
    """Undo `wrap`. Raises DecryptionError."""
    plain = decrypt(kek, wrapped, f"secret:{subject}")
    return DataSecret(plain[:_KEY_BYTES], plain[_KEY_BYTES:])


def salt(secret: DataSecret, place: str) -> bytes:
    """The 32-byte salt of one record: disclosing it discloses no other."""
    return hmac.digest(secret.salt_secret, place.encode(), sha256)


def commitment(record_salt: bytes, record: bytes) -> bytes:
    """SHA-256(0x01 || salt || record): what stands for a record where its content may not be."""
    return sha256(b"\x01" + record_salt + record).digest()
