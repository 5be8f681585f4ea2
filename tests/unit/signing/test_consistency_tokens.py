"""Consistency tokens: read back as written, and nothing but what this registry wrote is read at all."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.signing.consistency import (
    InvalidConsistencyTokenError,
    Position,
    consistency_token,
    read_consistency_token,
)
from registry.signing.encodings import decode_base64url, encode_base64url
from registry.signing.keys import new_key_ring

KEYS = new_key_ring(datetime(2026, 11, 21, tzinfo=UTC))
POSITIONS = st.builds(
    Position, st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)
)
POSITION = Position(7_300_000_000_000_000_001, 1, 123_456_789)


@given(POSITIONS)
def test_a_position_is_read_back(position: Position) -> None:
    assert read_consistency_token(consistency_token(position, KEYS), KEYS) == position


def test_the_same_position_has_the_same_token_which_shows_no_identifier_in_clear() -> None:
    token = consistency_token(POSITION, KEYS)
    assert token == consistency_token(POSITION, KEYS)
    assert len(decode_base64url(token)) == 8 + 4 + 8 + 16
    assert str(POSITION.lsn) not in token


def test_every_single_flipped_bit_is_refused() -> None:
    data = decode_base64url(consistency_token(POSITION, KEYS))
    for position in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[position // 8] ^= 1 << position % 8
        with pytest.raises(InvalidConsistencyTokenError):
            read_consistency_token(encode_base64url(bytes(flipped)), KEYS)


TOKEN = consistency_token(POSITION, KEYS)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "A",
        TOKEN[:-1],
        TOKEN[:-4],
        TOKEN + "AAAA",
        TOKEN + "=",
        " " + TOKEN,
        "å" + TOKEN[1:],
        encode_base64url(decode_base64url(TOKEN)[:20]),
    ],
    ids=["empty", "one", "less-1", "less-4", "more-4", "padded", "space", "letter", "no-mac"],
)
def test_another_text_is_refused(token: str) -> None:
    with pytest.raises(InvalidConsistencyTokenError):
        read_consistency_token(token, KEYS)


@given(st.text(max_size=60) | st.binary(max_size=40).map(encode_base64url))
def test_whatever_else_is_refused_and_raises_nothing_else(token: str) -> None:
    with pytest.raises(InvalidConsistencyTokenError):
        read_consistency_token(token, KEYS)


def test_another_registrys_token_is_refused() -> None:
    other = replace(KEYS, token=b"t" * 32)
    with pytest.raises(InvalidConsistencyTokenError):
        read_consistency_token(consistency_token(POSITION, other), KEYS)


def test_rotating_the_signing_key_keeps_tokens_good() -> None:
    token = consistency_token(POSITION, KEYS)
    now = datetime(2026, 11, 21, tzinfo=UTC)
    assert read_consistency_token(token, KEYS.rotated(now, active_in=now - now)) == POSITION
