"""Compact JWS: what is made is verified, and no change of one character is."""

import json
import string
from itertools import pairwise

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jose.backends.base import Key

from registry.signing.encodings import decode_base64url, encode_base64url, parse_json_object
from registry.signing.jose import (
    InvalidTokenError,
    VerificationKey,
    claims,
    parse_compact,
    sign_compact,
    verification_key_from_jwk,
    verify_compact,
)
from token_forge import access_claims, assemble, es_key, header, key_map, rsa_jwk, rsa_sign

KEYS = key_map(es_key())
ORDER = bytes.fromhex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")
TYP = "mandate-receipt+jwt"
TOKEN = sign_compact(orjson.dumps(access_claims()), es_key(), typ=TYP)
RSA_KEYS = {"rs-1": verification_key_from_jwk(rsa_jwk())}
RSA_TOKEN = assemble(header(alg="RS256", kid="rs-1", typ=TYP), access_claims(), rsa_sign)
CHARACTERS = string.ascii_letters + string.digits + "-_+/=. \n\x00\u00e5\uff21"

timeless = settings(deadline=None)
texts = st.text(st.characters(codec="utf-8"))
numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@timeless
@given(st.binary(max_size=300))
def test_every_payload_comes_back_as_it_was(payload: bytes) -> None:
    token = sign_compact(payload, es_key(), typ=TYP)
    verified = verify_compact(token, KEYS, typ=TYP)
    assert verified.payload == payload
    assert dict(verified.header) == {"alg": "ES256", "kid": "es-1", "typ": TYP}


def test_extra_headers_follow_the_fixed_ones_and_may_not_replace_them() -> None:
    token = sign_compact(b"{}", es_key(), typ=TYP, header_extra={"cty": "x"})
    assert decode_base64url(token.split(".")[0]) == (
        b'{"alg":"ES256","kid":"es-1","typ":"%s","cty":"x"}' % TYP.encode()
    )
    assert verify_compact(token, KEYS, typ=TYP).header["cty"] == "x"
    for name in ("alg", "kid", "typ", "crit", "b64", "jwk", "jku", "x5u", "x5c"):
        with pytest.raises(ValueError, match="extra header"):
            sign_compact(b"{}", es_key(), typ=TYP, header_extra={name: "x"})


@pytest.mark.parametrize(("token", "keys"), [(TOKEN, KEYS), (RSA_TOKEN, RSA_KEYS)], ids=["ES256", "RS256"])
def test_no_single_bit_of_a_character_may_change(token: str, keys: dict[str, VerificationKey]) -> None:
    assert verify_compact(token, keys, typ=TYP).payload
    for position, character in enumerate(token):
        changed = token[:position] + chr(ord(character) ^ 1) + token[position + 1 :]
        with pytest.raises(InvalidTokenError):
            verify_compact(changed, keys, typ=TYP)


@timeless
@given(st.integers(0, len(TOKEN) - 1), st.sampled_from(CHARACTERS))
def test_any_other_character_anywhere_is_refused(position: int, character: str) -> None:
    changed = TOKEN[:position] + character + TOKEN[position + 1 :]
    if changed != TOKEN:
        with pytest.raises(InvalidTokenError):
            verify_compact(changed, KEYS, typ=TYP)


@timeless
@given(st.integers(0, len(TOKEN)), st.sampled_from(CHARACTERS))
def test_any_character_put_in_is_refused(position: int, character: str) -> None:
    with pytest.raises(InvalidTokenError):
        verify_compact(TOKEN[:position] + character + TOKEN[position:], KEYS, typ=TYP)


@timeless
@given(st.integers(0, len(TOKEN) - 1), st.integers(1, 8))
def test_any_characters_left_out_are_refused(position: int, count: int) -> None:
    with pytest.raises(InvalidTokenError):
        verify_compact(TOKEN[:position] + TOKEN[position + count :], KEYS, typ=TYP)


@timeless
@given(st.text(max_size=200) | st.lists(st.text(string.ascii_letters + string.digits + "-_")).map(".".join))
@example(TOKEN)
@example("e30.e30.e30")
def test_parsing_takes_a_text_apart_whole_or_refuses_it(text: str) -> None:
    try:
        jws = parse_compact(text)
    except InvalidTokenError:
        return
    head, payload, signature = text.split(".")
    assert decode_base64url(head)
    assert (encode_base64url(jws.payload), encode_base64url(jws.signature)) == (payload, signature)
    assert jws.signing_input == f"{head}.{payload}".encode()


def test_the_caller_may_allow_longer_documents() -> None:
    token = sign_compact(b"x" * 20_000, es_key(), typ=TYP)
    with pytest.raises(InvalidTokenError) as caught:
        verify_compact(token, KEYS, typ=TYP)
    assert caught.value.reason == "too_long"
    assert len(verify_compact(token, KEYS, typ=TYP, max_chars=len(token)).payload) == 20_000


class TrustingKey(Key):
    """A backend that lets every signature through."""

    def verify(self, msg: bytes, sig: bytes) -> bool:
        return bool(msg) and isinstance(sig, bytes)


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        bytes(64),
        bytes(31) + b"\x01" + bytes(32),
        bytes(63) + b"\x01",
        b"\x01" * 63,
        b"\x01" * 65,
        ORDER + b"\x01" * 32,
        b"\x01" * 32 + ORDER,
        b"\xff" * 64,
    ],
    ids=lambda signature: signature.hex()[:8],
)
def test_the_numbers_of_a_signature_are_checked_whatever_the_backend_does(signature: bytes) -> None:
    key = VerificationKey("k", "ES256", {}, TrustingKey(None, "ES256"))
    assert key.verify(b"message", b"\x01" * 64)
    assert not key.verify(b"message", signature)


def test_a_key_is_only_found_under_its_own_kid() -> None:
    with pytest.raises(InvalidTokenError) as caught:
        verify_compact(TOKEN, {"es-1": es_key("es-2").verification_key}, typ=TYP)
    assert caught.value.reason == "kid"


@timeless
@given(st.binary(max_size=100))
def test_base64url_has_one_spelling(data: bytes) -> None:
    text = encode_base64url(data)
    assert decode_base64url(text) == data
    for variant in (text + "=", text + "\n", " " + text, text + "+", text + "\u00e5"):
        with pytest.raises(ValueError):  # noqa: PT011  # any ValueError is the contract
            decode_base64url(variant)


def test_no_two_texts_of_base64url_decode_to_the_same_bytes() -> None:
    alphabet = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    decoded = []
    for first, second in ((a, b) for a in alphabet for b in alphabet):
        try:
            decoded.append(decode_base64url(first + second))
        except ValueError:
            continue
    assert len(decoded) == 256
    assert all(left != right for left, right in pairwise(sorted(decoded)))


@timeless
@given(st.dictionaries(texts, json_values, max_size=5))
def test_strict_json_reads_what_json_says(value: dict[str, object]) -> None:
    assert parse_json_object(json.dumps(value).encode()) == value
    assert claims(json.dumps(value, ensure_ascii=False).encode()) == value


@timeless
@given(st.binary(max_size=60))
@example(b'{"a":1,"a":1}')
@example(b'{"a":NaN}')
@example(b'{"a":-Infinity}')
@example(b'{"a":1e999}')
@example(b'{"a":"\\uDFFF"}')
@example(b'{"a":' + b"9" * 5000 + b"}")
@example(b"[" * 100_000)
def test_strict_json_raises_nothing_but_value_errors(data: bytes) -> None:
    try:
        value = parse_json_object(data)
    except ValueError:
        return
    assert orjson.loads(data) == value


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":1}',
        '{"a": 1, "b": {"c": [1, {"d": 1, "d": 2}]}}',
        '{"a b": 1, "a b": 2}',
        '{"a":1,"\\u0061":1}',
        '{"\u00e5":1,\n "\u00e5":1}',
    ],
)
def test_a_member_twice_is_refused_however_it_is_written(text: str) -> None:
    with pytest.raises(ValueError, match="twice"):
        parse_json_object(text.encode())


@timeless
@given(
    st.dictionaries(texts, json_values, min_size=1, max_size=4), st.sampled_from(["", " ", "\n\t"]), st.data()
)
def test_a_repeated_member_is_never_read(value: dict[str, object], blank: str, data: st.DataObject) -> None:
    members = [f"{json.dumps(name, ensure_ascii=False)}:{blank}{json.dumps(value[name])}" for name in value]
    members.insert(data.draw(st.integers(0, len(members))), data.draw(st.sampled_from(members)))
    with pytest.raises(ValueError, match="twice"):
        parse_json_object(("{" + f",{blank}".join(members) + "}").encode())


@pytest.mark.parametrize(("depth", "is_allowed"), [(31, True), (32, True), (33, False), (500, False)])
def test_depth_is_bounded(depth: int, is_allowed: bool) -> None:  # noqa: FBT001  # a table of expectations
    data = b'{"a":' * depth + b"1" + b"}" * depth
    if is_allowed:
        assert parse_json_object(data)
    else:
        with pytest.raises(ValueError, match="deep"):
            parse_json_object(data)


def test_many_shallow_members_are_not_deep() -> None:
    value = {"items": [{"n": [number]} for number in range(100)]}
    assert parse_json_object(orjson.dumps(value)) == value
