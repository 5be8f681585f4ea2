"""Encryption of what is stored: bound to its place, and every flipped bit refused."""

import hmac
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.signing.encryption import (
    DataSecret,
    DecryptionError,
    commitment,
    decrypt,
    encrypt,
    new_data_secret,
    salt,
    unwrap,
    wrap,
)

KEY, KEK = b"k" * 32, b"e" * 32
PLACE = "mandate_records/0198f0a2-0000-7000-8000-000000000000"


@given(st.binary(max_size=300), st.text(st.characters(codec="utf-8"), max_size=40))
def test_what_was_encrypted_for_a_place_opens_there(plaintext: bytes, place: str) -> None:
    assert decrypt(KEY, encrypt(KEY, plaintext, place), place) == plaintext


@given(st.binary(max_size=50), st.text("ab/", max_size=4), st.text("ab/", max_size=4))
def test_elsewhere_it_does_not(plaintext: bytes, place: str, other: str) -> None:
    ciphertext = encrypt(KEY, plaintext, place)
    if place == other:
        return
    with pytest.raises(DecryptionError) as raised:
        decrypt(KEY, ciphertext, other)
    assert str(raised.value) == other


def test_every_single_flipped_bit_is_refused() -> None:
    ciphertext = encrypt(KEY, b"a personal number", PLACE)
    for position in range(len(ciphertext) * 8):
        flipped = bytearray(ciphertext)
        flipped[position // 8] ^= 1 << position % 8
        with pytest.raises(DecryptionError):
            decrypt(KEY, bytes(flipped), PLACE)


@pytest.mark.parametrize("length", [0, 1, 11, 12, 13, 27, 28])
def test_cut_short_it_is_refused(length: int) -> None:
    ciphertext = encrypt(KEY, b"a personal number", PLACE)
    with pytest.raises(DecryptionError):
        decrypt(KEY, ciphertext[:length], PLACE)


def test_another_key_does_not_open_it() -> None:
    with pytest.raises(DecryptionError):
        decrypt(b"K" * 32, encrypt(KEY, b"text", PLACE), PLACE)


def test_the_form_is_nonce_then_aes_gcm_and_the_nonce_is_new_each_time() -> None:
    first, second = encrypt(KEY, b"text", PLACE), encrypt(KEY, b"text", PLACE)
    assert first[:12] != second[:12]
    assert len(first) == 12 + len(b"text") + 16
    assert AESGCM(KEY).decrypt(first[:12], first[12:], PLACE.encode()) == b"text"


def test_a_subjects_secrets_are_wrapped_for_that_subject() -> None:
    secret = new_data_secret()
    wrapped = wrap(KEK, secret, "subject-1")
    assert unwrap(KEK, wrapped, "subject-1") == secret
    assert secret.data_key not in wrapped
    assert secret.salt_secret not in wrapped
    for kek, subject in ((KEK, "subject-2"), (KEY, "subject-1")):
        with pytest.raises(DecryptionError):
            unwrap(kek, wrapped, subject)


def test_secrets_are_fresh_and_long_enough() -> None:
    secrets = [new_data_secret() for _ in range(50)]
    parts = {part for secret in secrets for part in (secret.data_key, secret.salt_secret)}
    assert len(parts) == 100
    assert {len(part) for part in parts} == {32}


def test_a_salt_belongs_to_one_record_and_a_commitment_to_its_bytes() -> None:
    secret = DataSecret(KEY, b"s" * 32)
    assert salt(secret, PLACE) == hmac.digest(b"s" * 32, PLACE.encode(), sha256)
    assert salt(secret, PLACE) != salt(secret, PLACE + "0")
    assert commitment(b"n" * 32, b"record") == sha256(b"\x01" + b"n" * 32 + b"record").digest()


@settings(max_examples=50)
@given(st.binary(min_size=1, max_size=64), st.integers(0, 511))
def test_a_commitment_changes_with_any_bit_of_the_record(record: bytes, bit: int) -> None:
    flipped = bytearray(record)
    flipped[bit // 8 % len(record)] ^= 1 << bit % 8
    assert commitment(b"n" * 32, record) != commitment(b"n" * 32, bytes(flipped))
