"""A public key taken for an HMAC secret: the library underneath falls for it, the registry does not.

The first half of each test shows the attack succeeding against python-jose used carelessly. Should it ever
stop succeeding there, the test says so, and the second half no longer proves anything.
"""

import hmac

import orjson
import pytest
from cryptography.hazmat.primitives import serialization
from jose import jws as careless

from registry.signing.encodings import encode_base64url
from registry.signing.jose import (
    InvalidTokenError,
    verification_key_from_jwk,
    verify_compact,
)
from registry.signing.jwk import InvalidKeyError
from token_forge import rsa_jwk, rsa_private_key

DER = (
    rsa_private_key()
    .public_key()
    .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
)
HEAD = {"alg": "HS256", "kid": "rs-1", "typ": "at+jwt"}


def forged(secret: bytes) -> str:
    signing_input = f"{encode_base64url(orjson.dumps(HEAD))}.{encode_base64url(b'{}')}"
    return f"{signing_input}.{encode_base64url(hmac.digest(secret, signing_input.encode(), 'sha256'))}"


@pytest.mark.parametrize("algorithms", [None, ["RS256", "HS256"]], ids=["any", "mixed"])
def test_hmac_with_a_der_public_key(algorithms: list[str] | None) -> None:
    token = forged(DER)
    assert careless.verify(token, DER, algorithms) == b"{}"
    with pytest.raises(InvalidTokenError) as caught:
        verify_compact(token, {"rs-1": verification_key_from_jwk(rsa_jwk())}, typ="at+jwt")
    assert caught.value.reason == "alg"


def test_hmac_with_a_symmetric_key_from_a_key_set() -> None:
    jwk = {"kty": "oct", "k": encode_base64url(DER), "kid": "rs-1", "alg": "HS256"}
    assert careless.verify(forged(DER), jwk, ["HS256"]) == b"{}"
    with pytest.raises(InvalidKeyError):
        verification_key_from_jwk(jwk)
    with pytest.raises(InvalidKeyError):
        verification_key_from_jwk({**jwk, "alg": "RS256"})
