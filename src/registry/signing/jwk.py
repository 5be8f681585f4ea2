"""Which JSON Web Keys (RFC 7517) the registry takes, and what it reads of them: their public numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeGuard, get_args

from registry.signing.encodings import decode_base64url, encode_base64url

Algorithm = Literal["ES256", "RS256", "RS384", "RS512"]
ALGORITHMS: frozenset[str] = frozenset(get_args(Algorithm))

MAX_NAME_CHARS = 256
P256_BYTES = 32
MIN_RSA_BITS, MAX_RSA_BITS = 2_048, 8_192
MIN_RSA_EXPONENT, MAX_RSA_EXPONENT = 65_537, 2**32


class InvalidKeyError(ValueError):
    """The JWK is no key that the registry may use."""


@dataclass(frozen=True, slots=True)
class PublicJwk:
    """The public numbers of a key for signatures: `kty` with `crv`, `x`, `y` or with `n`, `e`."""

    kid: str
    alg: Algorithm
    members: dict[str, str]


def read_public_jwk(jwk: Mapping[str, object]) -> PublicJwk:
    """Read the public part of a P-256 or RSA key; all other members are left out.

    `alg` follows from the key's type where it is absent: ES256 or RS256.
    Raises InvalidKeyError; whether the numbers lie on the curve is found when the key is constructed.
    """
    kid = jwk.get("kid")
    if not is_name(kid):
        raise InvalidKeyError(f"a key needs a `kid` of 1 to {MAX_NAME_CHARS} characters")
    operations = jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        raise InvalidKeyError("the key is not meant for verifying signatures")
    match jwk.get("kty"):
        case "EC":
            members, default = _read_ec(jwk), "ES256"
        case "RSA":
            members, default = _read_rsa(jwk), "RS256"
        case _:
            raise InvalidKeyError("only EC and RSA keys are taken")
    alg = jwk.get("alg", default)
    # The allowed algorithms of a type share its first two letters: ES256 and RS256, RS384, RS512.
    if not is_algorithm(alg) or alg[:2] != default[:2]:
        raise InvalidKeyError("the key's `alg` is not one that is taken for its `kty`")
    return PublicJwk(kid, alg, members)


def read_p256_number(jwk: Mapping[str, object], name: str) -> str:
    """Read a coordinate or a private value: 32 bytes, leading zeros kept (RFC 7518 section 6.2)."""
    octets = _read_octets(jwk, name)
    if len(octets) != P256_BYTES:
        raise InvalidKeyError(f"`{name}` must be {P256_BYTES} bytes")
    return encode_base64url(octets)


def is_algorithm(value: object) -> TypeGuard[Algorithm]:
    """Whether this is the exact name of an allowed algorithm."""
    return isinstance(value, str) and value in ALGORITHMS


def is_name(value: object) -> TypeGuard[str]:
    """Whether this can be a `kid` or a `typ`: text of 1 to 256 characters."""
    return isinstance(value, str) and 0 < len(value) <= MAX_NAME_CHARS


def _read_ec(jwk: Mapping[str, object]) -> dict[str, str]:
    if jwk.get("crv") != "P-256":
        raise InvalidKeyError("only the curve P-256 is taken")
    x, y = read_p256_number(jwk, "x"), read_p256_number(jwk, "y")
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


def _read_rsa(jwk: Mapping[str, object]) -> dict[str, str]:
    modulus, exponent = _read_octets(jwk, "n"), _read_octets(jwk, "e")
    n, e = int.from_bytes(modulus, "big"), int.from_bytes(exponent, "big")
    if not MIN_RSA_BITS <= n.bit_length() <= MAX_RSA_BITS or n % 2 == 0:
        raise InvalidKeyError(f"an RSA modulus is odd and has {MIN_RSA_BITS} to {MAX_RSA_BITS} bits")
    if not MIN_RSA_EXPONENT <= e < MAX_RSA_EXPONENT:
        raise InvalidKeyError("an RSA exponent is at least 65537 and below 2**32")
    return {"kty": "RSA", "n": encode_base64url(modulus), "e": encode_base64url(exponent)}


def _read_octets(jwk: Mapping[str, object], name: str) -> bytes:
    value = jwk.get(name)
    if not isinstance(value, str):
        raise InvalidKeyError(f"`{name}` must be base64url")
    try:
        return decode_base64url(value)
    except ValueError:
        raise InvalidKeyError(f"`{name}` must be base64url without padding") from None
