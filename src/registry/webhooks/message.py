"""Messages and their signatures: Standard Webhooks 1.0, `v1` (HMAC-SHA256) and `v1a` (Ed25519).

What is signed is `id.timestamp.body`. Secrets are written `whsec_` (shared), `whsk_` (private) and `whpk_`
(public), each followed by base64.
"""

import base64
import binascii
import hmac
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from registry.domain.documents import Document
from registry.signing.canonical import canonical_bytes

MAX_BODY_BYTES = 20_000

_SHARED, _PRIVATE, _PUBLIC = "whsec_", "whsk_", "whpk_"
_SHARED_BYTES = range(24, 65)
_SEED_BYTES = 32


class UnserialisableError(Exception):
    """An event cannot be made into a message: it is no JSON, or too large."""


class TooLargeError(UnserialisableError):
    """It is JSON, but has no room in a message."""


@dataclass(frozen=True, slots=True)
class SigningSecret:
    """Both secrets of an endpoint, of one generation, ready to sign."""

    shared: bytes
    private: Ed25519PrivateKey

    @property
    def shared_text(self) -> str:
        """The shared secret as its receiver is told it."""
        return _SHARED + base64.b64encode(self.shared).decode()

    @property
    def private_text(self) -> str:
        """The private key as it is kept: seed and public key."""
        return _PRIVATE + base64.b64encode(self.private.private_bytes_raw() + self._public()).decode()

    @property
    def public_text(self) -> str:
        """The public key as its receiver is told it."""
        return _PUBLIC + base64.b64encode(self._public()).decode()

    def _public(self) -> bytes:
        return self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def new_secret() -> SigningSecret:
    """Make fresh random secrets."""
    return SigningSecret(os.urandom(_SEED_BYTES), Ed25519PrivateKey.generate())


def read_secret(shared: str, private: str) -> SigningSecret:
    """Read secrets as they are written. Raises ValueError for anything else."""
    seed = _decode(private, _PRIVATE)
    secret = SigningSecret(_decode(shared, _SHARED), Ed25519PrivateKey.from_private_bytes(seed[:_SEED_BYTES]))
    if len(secret.shared) not in _SHARED_BYTES or secret.private_text != private:
        raise ValueError("a secret is too short, too long, or does not fit its public half")
    return secret


def message_id(delivery_id: UUID) -> str:
    """The `webhook-id` of a delivery: the same on every attempt, by which receivers know a repetition."""
    return f"msg_{delivery_id.hex}"


def render_body(document: Document) -> bytes:
    """A message's body: its canonical bytes. Raises UnserialisableError; from 20 kB on TooLargeError."""
    try:
        body = canonical_bytes(document)
    except (TypeError, ValueError) as error:
        raise UnserialisableError(str(error)) from error
    if len(body) >= MAX_BODY_BYTES:
        raise TooLargeError(f"{len(body)} bytes, where {MAX_BODY_BYTES} are too many")
    return body


def sign(identifier: str, timestamp: int, body: bytes, secrets: Sequence[SigningSecret]) -> str:
    """The header `webhook-signature`: both kinds by every secret, so that a rotation leaves no gap."""
    content = f"{identifier}.{timestamp}.".encode() + body
    shared = (("v1", hmac.digest(secret.shared, content, sha256)) for secret in secrets)
    private = (("v1a", secret.private.sign(content)) for secret in secrets)
    return " ".join(f"{kind},{base64.b64encode(value).decode()}" for kind, value in (*shared, *private))


def signed_headers(
    identifier: str, timestamp: int, body: bytes, secrets: Sequence[SigningSecret]
) -> Mapping[str, str]:
    """The three headers of Standard Webhooks; `timestamp` is the attempt's, in Unix seconds."""
    return {
        "webhook-id": identifier,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(identifier, timestamp, body, secrets),
    }


def _decode(text: str, prefix: str) -> bytes:
    if not text.startswith(prefix):
        raise ValueError(f"a secret begins with {prefix}")
    try:
        return base64.b64decode(text.removeprefix(prefix), validate=True)
    except binascii.Error as error:
        raise ValueError("a secret is base64") from error
