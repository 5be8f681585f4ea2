"""RSA keys (RS256) for partners that verify nothing else: made here, kept as private JWKs, never as PEM."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from registry.signing.encodings import decode_base64url, encode_base64url
from registry.signing.jwk import InvalidKeyError, read_public_jwk

KEY_BITS = 2048
_EXPONENT = 65_537
_PADDING, _HASH = padding.PKCS1v15(), hashes.SHA256()


@dataclass(frozen=True, slots=True)
class RsaSigningKey:
    """A private RSA key, constructed once. Its representation shows no secret."""

    kid: str
    _private: rsa.RSAPrivateKey = field(repr=False, compare=False)

    def sign(self, signing_input: bytes) -> bytes:
        """Sign with RS256 (RFC 7518 section 3.3). Releases the interpreter's lock, so threads help."""
        return self._private.sign(signing_input, _PADDING, _HASH)

    def public_jwk(self) -> dict[str, str]:
        """The public half as a JWK with `kid`, `alg` and `use`."""
        numbers = self._private.public_key().public_numbers()
        return {
            "kty": "RSA",
            "kid": self.kid,
            "alg": "RS256",
            "use": "sig",
            "n": _text(numbers.n),
            "e": _text(numbers.e),
        }

    def to_private_jwk(self) -> dict[str, str]:
        """The key as a private JWK, to be stored encrypted; the primes follow from `d`."""
        return {**self.public_jwk(), "d": _text(self._private.private_numbers().d)}


def generate_rsa_key(now: datetime) -> RsaSigningKey:
    """Make a key of 2048 bits. Takes some 100 ms: not for the event loop."""
    private = rsa.generate_private_key(_EXPONENT, KEY_BITS)
    return RsaSigningKey(f"{now:%Y%m%d}-{secrets.token_hex(6)}", private)


def rsa_key_from_jwk(jwk: Mapping[str, object]) -> RsaSigningKey:
    """Construct a key from what `to_private_jwk` gave and encryption has authenticated since.

    Raises InvalidKeyError for what is no such key. The numbers are not tested again, which takes 200 ms.
    """
    public = read_public_jwk(jwk)
    private_exponent = jwk.get("d")
    if public.members["kty"] != "RSA" or not isinstance(private_exponent, str):
        raise InvalidKeyError("not a private RSA key")
    n, e, d = (_number(text) for text in (public.members["n"], public.members["e"], private_exponent))
    try:
        p, q = rsa.rsa_recover_prime_factors(n, e, d)
        numbers = rsa.RSAPrivateNumbers(
            p=p,
            q=q,
            d=d,
            dmp1=rsa.rsa_crt_dmp1(d, p),
            dmq1=rsa.rsa_crt_dmq1(d, q),
            iqmp=rsa.rsa_crt_iqmp(p, q),
            public_numbers=rsa.RSAPublicNumbers(e, n),
        )
        return RsaSigningKey(public.kid, numbers.private_key(unsafe_skip_rsa_key_validation=True))
    except ValueError as error:
        raise InvalidKeyError("the numbers make no valid key") from error


def _text(number: int) -> str:
    return encode_base64url(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def _number(text: str) -> int:
    return int.from_bytes(decode_base64url(text), "big")
