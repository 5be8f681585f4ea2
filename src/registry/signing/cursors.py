"""Cursors of the event feed: a place in one organisation's feed, opaque to callers.

One byte of version, 8 of sequence, 16 of MAC over both and the organisation, in base64url.
"""

import hmac
import struct

from registry.signing.encodings import decode_base64url, encode_base64url
from registry.signing.keys import KeyRing

_LAYOUT = struct.Struct(">BQ")
_VERSION = 1
_MAC_BYTES = 16
_LABEL = b"feed-cursor/1"


class InvalidCursorError(ValueError):
    """Not a cursor that this registry gave to this organisation."""


def feed_cursor(audience: bytes, sequence: int, keys: KeyRing) -> str:
    """The place after this event of this organisation; 0 is before the first."""
    data = _LAYOUT.pack(_VERSION, sequence)
    return encode_base64url(data + _mac(audience, data, keys))


def read_feed_cursor(cursor: str, audience: bytes, keys: KeyRing) -> int:
    """The sequence that a cursor stands for. Raises InvalidCursorError for what was not given to this one."""
    try:
        data = decode_base64url(cursor)
        body, mac = data[: _LAYOUT.size], data[_LAYOUT.size :]
        version, sequence = _LAYOUT.unpack(body)
    except (ValueError, struct.error) as error:
        raise InvalidCursorError from error
    if version != _VERSION or not hmac.compare_digest(mac, _mac(audience, body, keys)):
        raise InvalidCursorError
    return int(sequence)


def _mac(audience: bytes, data: bytes, keys: KeyRing) -> bytes:
    return keys.mac(_LABEL + audience + data)[:_MAC_BYTES]
