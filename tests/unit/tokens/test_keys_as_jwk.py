"""Which JWKs become keys, and that private ones do not leak."""

import orjson
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from registry.signing.encodings import encode_base64url
from registry.signing.jose import (
    generate_signing_key,
    signing_key_from_jwk,
    verification_key_from_jwk,
    verification_keys_from_jwks,
)
from registry.signing.jwk import InvalidKeyError, read_public_jwk
from token_forge import es_key, rsa_jwk, rsa_private_key, without

EC = dict[str, object](es_key().public_jwk())
RSA = rsa_jwk()
P384_COORDINATE = encode_base64url(b"\x01" * 48)
LEADING_ZERO = 379  # the first private value whose point has an x below 2**248


def test_a_key_comes_back_from_its_private_jwk() -> None:
    key = generate_signing_key("k")
    again = signing_key_from_jwk(key.to_private_jwk())
    assert again == key
    assert again.verification_key.verify(b"message", key.sign(b"message"))
    assert key.public_jwk() == without(key.to_private_jwk(), "d")
    assert len({generate_signing_key("k").to_private_jwk()["d"] for _ in range(3)}) == 3


def test_a_private_key_shows_no_secret() -> None:
    key = generate_signing_key("k")
    assert key.to_private_jwk()["d"] not in repr(key)
    assert repr(key) == "SigningKey(kid='k', alg='ES256')"


def test_a_key_is_the_same_key_when_its_numbers_are() -> None:
    assert verification_key_from_jwk(EC) == es_key().verification_key
    assert verification_key_from_jwk(EC) != es_key("es-2").verification_key
    assert hash(verification_key_from_jwk(EC)) == hash(es_key().verification_key)


@pytest.mark.parametrize(
    ("jwk", "alg"),
    [
        (EC, "ES256"),
        (without(EC, "alg"), "ES256"),
        (without(EC, "use"), "ES256"),
        ({**EC, "key_ops": ["sign", "verify"]}, "ES256"),
        ({**EC, "x5c": ["MIIB"], "x5u": "https://attacker.example.test", "exp": 1}, "ES256"),
        (without(RSA, "alg"), "RS256"),
        ({**RSA, "alg": "RS384"}, "RS384"),
        ({**RSA, "alg": "RS512"}, "RS512"),
    ],
)
def test_taken(jwk: dict[str, object], alg: str) -> None:
    assert verification_key_from_jwk(jwk).alg == alg


def test_private_members_are_ignored() -> None:
    key = verification_key_from_jwk(es_key().to_private_jwk())
    assert "d" not in key.public_jwk()
    assert key.verify(b"message", es_key().sign(b"message"))


NOT_TAKEN: dict[str, dict[str, object]] = {
    "oct": {"kty": "oct", "k": encode_base64url(bytes(32)), "kid": "k", "alg": "HS256"},
    "oct with an allowed alg": {"kty": "oct", "k": encode_base64url(bytes(32)), "kid": "k", "alg": "ES256"},
    "okp": {"kty": "OKP", "crv": "Ed25519", "x": encode_base64url(bytes(32)), "kid": "k"},
    "kty missing": without(EC, "kty"),
    "kty in lower case": {**EC, "kty": "ec"},
    "kty a list": {**EC, "kty": ["EC"]},
    "kid missing": without(EC, "kid"),
    "kid empty": {**EC, "kid": ""},
    "kid number": {**EC, "kid": 1},
    "for encryption": {**EC, "use": "enc"},
    "use null": {**EC, "use": None},
    "only for signing": {**EC, "key_ops": ["sign"]},
    "operations no list": {**EC, "key_ops": "verify"},
    "ec key for RS256": {**EC, "alg": "RS256"},
    "ec key for HS256": {**EC, "alg": "HS256"},
    "ec key for ES384": {**EC, "alg": "ES384"},
    "rsa key for ES256": {**RSA, "alg": "ES256"},
    "rsa key for PS256": {**RSA, "alg": "PS256"},
    "rsa key for HS256": {**RSA, "alg": "HS256"},
    "rsa key for encryption": {**RSA, "alg": "RSA-OAEP"},
    "alg null": {**RSA, "alg": None},
    "curve P-384": {**EC, "crv": "P-384", "x": P384_COORDINATE, "y": P384_COORDINATE},
    "curve secp256k1": {**EC, "crv": "secp256k1"},
    "curve missing": without(EC, "crv"),
    "long coordinate": {**EC, "x": P384_COORDINATE},
    "short coordinate": {**EC, "x": encode_base64url(bytes(31))},
    "coordinate missing": without(EC, "y"),
    "coordinate a number": {**EC, "y": 1},
    "coordinate padded": {**EC, "y": f"{EC['y']}="},
    "point not on the curve": {**EC, "x": EC["y"], "y": EC["x"]},
    "point at infinity": {**EC, "x": encode_base64url(bytes(32)), "y": encode_base64url(bytes(32))},
    "coordinate beyond the field": {**EC, "x": encode_base64url(b"\xff" * 32)},
    "rsa of 1024 bits": {**RSA, "n": encode_base64url((2**1024 - 1).to_bytes(128, "big"))},
    "rsa of 2047 bits": {**RSA, "n": encode_base64url((2**2047 - 1).to_bytes(256, "big"))},
    "rsa of 8193 bits": {**RSA, "n": encode_base64url((2**8193 - 1).to_bytes(1025, "big"))},
    "rsa of even modulus": {**RSA, "n": encode_base64url((2**2048 - 2).to_bytes(256, "big"))},
    "rsa exponent 3": {**RSA, "e": "Aw"},
    "rsa exponent 1": {**RSA, "e": "AQ"},
    "rsa exponent even": {**RSA, "e": encode_base64url((65_538).to_bytes(3, "big"))},
    "rsa exponent huge": {**RSA, "e": encode_base64url((2**64 + 1).to_bytes(9, "big"))},
    "rsa modulus missing": without(RSA, "n"),
    "rsa modulus empty": {**RSA, "n": ""},
    "rsa modulus padded": {**RSA, "n": f"{RSA['n']}="},
}


@pytest.mark.parametrize("name", NOT_TAKEN)
def test_not_taken(name: str) -> None:
    with pytest.raises(InvalidKeyError):
        verification_key_from_jwk(NOT_TAKEN[name])


@pytest.mark.parametrize("name", ["ec key for RS256", "rsa key for ES256"])
def test_an_algorithm_of_the_other_type_is_refused_before_a_key_is_constructed(name: str) -> None:
    with pytest.raises(InvalidKeyError, match="alg"):
        read_public_jwk(NOT_TAKEN[name])


def test_leading_zeros_of_a_coordinate_are_kept_and_none_are_added() -> None:
    jwk: dict[str, object] = {"kty": "EC", "crv": "P-256", "kid": "k"}
    numbers = ec.derive_private_key(LEADING_ZERO, ec.SECP256R1()).public_key().public_numbers()
    jwk |= {"y": encode_base64url(numbers.y.to_bytes(32, "big"))}
    x = numbers.x.to_bytes(32, "big")
    assert x[0] == 0
    assert verification_key_from_jwk({**jwk, "x": encode_base64url(x)}).public_jwk()["x"].startswith("A")
    for other in (x[1:], b"\x00" + x):
        with pytest.raises(InvalidKeyError, match="32 bytes"):
            verification_key_from_jwk({**jwk, "x": encode_base64url(other)})


@pytest.mark.parametrize(
    "change",
    [
        {"d": es_key("es-2").to_private_jwk()["d"]},
        {"d": encode_base64url(bytes(32))},
        {"d": encode_base64url(b"\xff" * 32)},
        {"d": "AQ"},
        {"d": None},
    ],
    ids=["of another key", "zero", "beyond the order", "short", "null"],
)
def test_a_private_value_that_does_not_fit_makes_no_signing_key(change: dict[str, object]) -> None:
    with pytest.raises(InvalidKeyError):
        signing_key_from_jwk({**es_key().to_private_jwk(), **change})


def test_only_p256_keys_sign() -> None:
    numbers = rsa_private_key().private_numbers()
    private = {**RSA, "d": encode_base64url(numbers.d.to_bytes(256, "big"))}
    with pytest.raises(InvalidKeyError, match="P-256"):
        signing_key_from_jwk(private)


def test_a_key_set_gives_its_usable_keys_and_the_first_of_two_with_one_kid() -> None:
    other = {**es_key("es-2").public_jwk(), "kid": "es-1"}
    keys = verification_keys_from_jwks({"keys": [*NOT_TAKEN.values(), "no key", None, EC, other, RSA]})
    assert keys == {
        "es-1": es_key().verification_key,
        "rs-1": verification_key_from_jwk(RSA),
    }


PEM = (
    rsa_private_key()
    .public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
)


@pytest.mark.parametrize(
    "jwks",
    [
        {},
        {"keys": []},
        {"keys": None},
        {"keys": EC},
        {"keys": [PEM.decode()]},
        EC,
        {"keys": [NOT_TAKEN["oct"]]},
    ],
    ids=lambda jwks: orjson.dumps(jwks).decode()[:30],
)
def test_a_key_set_without_usable_keys_is_refused(jwks: dict[str, object]) -> None:
    with pytest.raises(InvalidKeyError):
        verification_keys_from_jwks(jwks)
