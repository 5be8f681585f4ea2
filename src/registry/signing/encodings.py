"""Strict base64url (RFC 4648 section 5, no padding) and strict JSON: a text has one meaning or is refused."""

import binascii
import json
import math
import re

import orjson

MAX_DEPTH = 32

_BLANKS = b" \t\r\n"
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_TO_URL = bytes.maketrans(b"+/", b"-_")
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


def encode_base64url(data: bytes) -> str:
    """Encode without padding (RFC 7515 appendix C)."""
    return binascii.b2a_base64(data, newline=False).translate(_TO_URL).rstrip(b"=").decode("ascii")


def decode_base64url(text: str) -> bytes:
    """Decode the one canonical encoding of some bytes.

    Raises ValueError at padding, white space or any other character outside the alphabet, and at unused bits
    that are not zero.
    """
    padded = text.encode("ascii") + b"=" * (-len(text) % 4)
    data = binascii.a2b_base64(padded.translate(_TO_STANDARD))
    # The decoder above forgives much. Only the canonical text comes back unchanged.
    if encode_base64url(data) != text:
        raise ValueError("not canonical base64url")
    return data


def parse_json_object(data: bytes) -> dict[str, object]:
    """Parse a JSON object in UTF-8 (RFC 8259, narrowed as RFC 7493 asks).

    Raises ValueError at anything but one object, at duplicate members, NaN and infinities (also by overflow),
    lone surrogates, and nesting deeper than 32. The caller bounds the length.
    """
    plain = _read_plain(data)
    if plain is not None:
        return plain
    text = data.decode("utf-8")
    try:
        value: object = _DECODER.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004  # the text is wrong, not the caller's type
    if text.count("{") + text.count("[") > MAX_DEPTH:
        _require_shallow(value)
    if _SURROGATE_ESCAPE.search(text):
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    return value


def _read_plain(data: bytes) -> dict[str, object] | None:
    """Read the common text, five times as fast: one that is written, blanks aside, as orjson would write it.

    A text with a member twice is not: what is read of it has fewer. None for any other text.
    """
    if data.count(b"{") + data.count(b"[") > MAX_DEPTH:
        return None
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    is_plain = orjson.dumps(value).translate(None, _BLANKS) == data.translate(None, _BLANKS)
    return value if is_plain and isinstance(value, dict) else None


def _unique_members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member occurs twice")
    return members


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is out of range")
    return number


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _require_shallow(value: dict[str, object]) -> None:
    level: list[object] = [value]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in _children(node)]
        if not level:
            return
    raise ValueError("nested too deeply")


def _children(node: object) -> list[object]:
    if isinstance(node, dict):
        return list(node.values())
    return list(node) if isinstance(node, list) else []


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique_members, parse_float=_finite, parse_constant=_refuse_constant
)
