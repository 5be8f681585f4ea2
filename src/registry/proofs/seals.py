"""Seals checked by public keys alone, and whether a key was in use when it sealed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from registry.domain.documents import Json
from registry.signing.encodings import parse_json_object
from registry.signing.jose import (
    InvalidTokenError,
    VerificationKey,
    parse_compact,
    require_type,
    verification_keys_from_jwks,
    verify_signature,
)
from registry.signing.jwk import InvalidKeyError
from registry.signing.records import MAX_SEALED_CHARS, SealType

GRACE_SECONDS = 60
"""How long a process may go on with the key of before: it looks at the key file so often, at least."""


class SealRefusedError(ValueError):
    """The bytes are not sealed by any of the keys, or by one that was not in use then."""


@dataclass(frozen=True, slots=True)
class PublicKeys:
    """A key set (RFC 7517). `spans` are the times, in seconds since 1970, between which each key sealed."""

    keys: Mapping[str, VerificationKey]
    spans: Mapping[str, tuple[int | None, int | None]]

    def open(self, sealed: str, seal_type: SealType) -> tuple[dict[str, Any], str]:
        """The document under a seal, and the id of the key. Raises SealRefusedError."""
        try:
            jws = parse_compact(sealed, max_chars=MAX_SEALED_CHARS)
            require_type(jws, seal_type.value)
            verified = verify_signature(jws, self.keys.get(jws.kid or ""))
            return parse_json_object(verified.payload), str(jws.kid)
        except InvalidTokenError as error:
            if error.reason == "kid":
                raise SealRefusedError("it is sealed by a key that is not in the key set") from error
            raise SealRefusedError(f"its seal is refused: {error}") from error
        except ValueError as error:
            raise SealRefusedError(f"what is sealed is not a document: {error}") from error

    def require_in_use(self, kid: str, at: datetime) -> None:
        """Raise SealRefusedError where the key set says that this key did not seal at this time."""
        begin, end = self.spans[kid]
        moment = at.timestamp()
        if begin is not None and moment < begin:
            raise SealRefusedError("it is sealed by a key that was not in use yet")
        if end is not None and moment >= end + GRACE_SECONDS:
            raise SealRefusedError("it is sealed by a key that was retired before")


def read_public_keys(members: Sequence[Mapping[str, Json]]) -> PublicKeys:
    """Read the members of a key set. Raises SealRefusedError where none of them is usable."""
    try:
        keys = verification_keys_from_jwks({"keys": list(members)})
    except (InvalidKeyError, TypeError) as error:
        raise SealRefusedError("there is no usable key in the key set") from error
    spans: dict[str, tuple[int | None, int | None]] = {}
    for member in (item for item in members if isinstance(item, dict)):
        kid = member.get("kid")
        if isinstance(kid, str) and kid in keys:
            spans.setdefault(kid, (_second(member.get("nbf")), _second(member.get("exp"))))
    return PublicKeys(keys, spans)


def _second(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
