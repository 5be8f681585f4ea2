"""Examples that RFC 7515 and RFC 7520 publish: of allowed algorithms they verify, of others not."""

import json
from pathlib import Path

import pytest

from registry.signing.encodings import encode_base64url
from registry.signing.jose import (
    InvalidTokenError,
    parse_compact,
    signing_key_from_jwk,
    verification_key_from_jwk,
    verify_compact,
)

VECTORS = {
    vector["source"]: vector
    for vector in json.loads(Path(__file__).with_name("published_vectors.json").read_text())
}
JOE = b'{"iss":"joe",\r\n "exp":1300819380,\r\n "http://example.com/is_root":true}'


@pytest.mark.parametrize("source", VECTORS)
def test_published_signature_verifies_and_only_over_its_own_bytes(source: str) -> None:
    vector = VECTORS[source]
    key = verification_key_from_jwk({"kid": "k", **vector["jwk"]})
    jws = parse_compact(vector["compact"])
    assert key.alg == jws.alg
    assert key.verify(jws.signing_input, jws.signature)
    assert not key.verify(jws.signing_input + b"A", jws.signature)
    assert not key.verify(jws.signing_input, jws.signature[::-1])


def test_payloads_are_the_published_ones() -> None:
    assert parse_compact(VECTORS["RFC 7515 appendix A.2"]["compact"]).payload == JOE
    assert parse_compact(VECTORS["RFC 7515 appendix A.3"]["compact"]).payload == JOE


def test_a_published_example_with_a_kid_passes_as_a_whole() -> None:
    vector = VECTORS["RFC 7520 section 4.1"]
    key = verification_key_from_jwk(vector["jwk"])
    verified = verify_compact(vector["compact"], {key.kid: key}, typ=frozenset({None}))
    assert verified.payload.decode().startswith("It\u2019s a dangerous business, Frodo")


def test_published_examples_without_a_kid_are_refused_as_tokens() -> None:
    vector = VECTORS["RFC 7515 appendix A.3"]
    key = verification_key_from_jwk({**vector["jwk"], "kid": "k"})
    with pytest.raises(InvalidTokenError) as caught:
        verify_compact(vector["compact"], {"k": key}, typ=frozenset({None}))
    assert caught.value.reason == "kid"


def test_the_published_private_key_signs_for_its_public_half() -> None:
    jwk = {**VECTORS["RFC 7515 appendix A.3"]["jwk"], "kid": "k"}
    key = signing_key_from_jwk(jwk)
    assert verification_key_from_jwk(jwk).verify(b"message", key.sign(b"message"))
    assert key.to_private_jwk()["d"] == jwk["d"]


# Headers of RFC 7515 A.1 and A.5, RFC 7520 4.2 to 4.4, RFC 8037 A.4, RFC 7797 4.2.
@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (b'{"typ":"JWT",\r\n "alg":"HS256"}', "alg"),
        (b'{"alg":"none"}', "alg"),
        (b'{"alg":"PS384","kid":"bilbo.baggins@hobbiton.example"}', "alg"),
        (b'{"alg":"ES512","kid":"bilbo.baggins@hobbiton.example"}', "alg"),
        (b'{"alg":"HS256","kid":"018c0ae5-4d9b-471b-bfd6-eef314bc7037"}', "alg"),
        (b'{"alg":"EdDSA"}', "alg"),
        (b'{"alg":"HS256","b64":false,"crit":["b64"]}', "critical"),
    ],
)
def test_headers_of_examples_with_other_algorithms_are_refused(head: bytes, reason: str) -> None:
    with pytest.raises(InvalidTokenError) as caught:
        parse_compact(f"{encode_base64url(head)}.{encode_base64url(JOE)}.AAAA")
    assert caught.value.reason == reason
