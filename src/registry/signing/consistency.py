"""Consistency tokens: a position in the database's history that an answer may not be older than.

Opaque to callers, authenticated, bound to one database system: 8 bytes of system id, 4 of timeline, 8 of
WAL position, 16 of MAC, in base64url.
"""

import hmac
import struct
from dataclasses import dataclass

from registry.signing.encodings import decode_base64url, encode_base64url
from registry.signing.keys import KeyRing

_LAYOUT = struct.Struct(">QIQ")
_MAC_BYTES = 16
_LABEL = b"consistency-token/1"


class InvalidConsistencyTokenError(ValueError):
    """Not a consistency token that this registry gave."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the write-ahead log of one database system."""

    system_id: int
    timeline: int
    lsn: int


def consistency_token(position: Position, keys: KeyRing) -> str:
    """Write a position as a token."""
    data = _LAYOUT.pack(position.system_id, position.timeline, position.lsn)
    return encode_base64url(data + keys.mac(_LABEL + data)[:_MAC_BYTES])


def read_consistency_token(token: str, keys: KeyRing) -> Position:
    """Read a token. Raises InvalidConsistencyTokenError for anything this registry did not write."""
    try:
        data = decode_base64url(token)
        body, mac = data[: _LAYOUT.size], data[_LAYOUT.size :]
        position = Position(*_LAYOUT.unpack(body))
    except (ValueError, struct.error) as error:
        raise InvalidConsistencyTokenError from error
    if not hmac.compare_digest(mac, keys.mac(_LABEL + body)[:_MAC_BYTES]):
        raise InvalidConsistencyTokenError
    return position
