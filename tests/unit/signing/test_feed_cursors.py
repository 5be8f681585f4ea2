"""Cursors of the feed: good for the organisation that they were given to, and for nobody else."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.signing.cursors import InvalidCursorError, feed_cursor, read_feed_cursor
from registry.signing.encodings import decode_base64url, encode_base64url
from registry.signing.keys import new_key_ring

KEYS, OTHER_KEYS = (new_key_ring(datetime(2026, 11, 22, tzinfo=UTC)) for _ in range(2))
MINE, YOURS = b"\x01" * 17, b"\x02" * 17


@given(st.integers(0, 2**63))
def test_a_cursor_is_read_as_it_was_given(sequence: int) -> None:
    assert read_feed_cursor(feed_cursor(MINE, sequence, KEYS), MINE, KEYS) == sequence


def test_it_is_good_for_one_organisation_of_one_registry() -> None:
    cursor = feed_cursor(MINE, 7, KEYS)
    for audience, keys in ((YOURS, KEYS), (MINE, OTHER_KEYS)):
        with pytest.raises(InvalidCursorError):
            read_feed_cursor(cursor, audience, keys)


@given(st.integers(0, 8 * 25 - 1))
def test_every_changed_bit_is_noticed(bit: int) -> None:
    data = bytearray(decode_base64url(feed_cursor(MINE, 7, KEYS)))
    data[bit // 8] ^= 1 << bit % 8
    with pytest.raises(InvalidCursorError):
        read_feed_cursor(encode_base64url(bytes(data)), MINE, KEYS)


@pytest.mark.parametrize("text", ["", "A", "AQ", "=", "å", "A" * 33, "A" * 35, "A" * 1000])
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(InvalidCursorError):
        read_feed_cursor(text, MINE, KEYS)
