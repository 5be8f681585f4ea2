"""Compact JWS (RFC 7515) with constructed keys; the one module that imports python-jose.

A key has exactly one algorithm, which the header must name. Keys are JWKs and nothing else: no PEM, no DER,
no `oct`, so that no public key can be mistaken for a secret. Headers that point to keys are refused, never
followed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

import orjson
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from jose import jwk as jose_jwk
from jose.backends.base import Key
from jose.exceptions import JOSEError

from registry.signing.encodings import decode_base64url, encode_base64url, parse_json_object
from registry.signing.jwk import (
    ALGORITHMS,
    MAX_NAME_CHARS,
    P256_BYTES,
    Algorithm,
    InvalidKeyError,
    is_algorithm,
    is_name,
    read_p256_number,
    read_public_jwk,
)

MAX_TOKEN_CHARS = 16_384
MAX_HEADER_CHARS = 2_048

_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_ES256 = ec.ECDSA(hashes.SHA256())
_KEY_HEADERS = frozenset({"jwk", "jku", "x5u", "x5c"})
_FIXED_HEADERS = frozenset({"alg", "kid", "typ", "crit", "b64"}) | _KEY_HEADERS


class InvalidTokenError(ValueError):
    """The token is refused.

    `reason` is stable: `too_long`, `malformed`, `header`, `critical`, `remote_key`, `alg`, `typ`, `kid`,
    `signature`, `claims`, or the name of the claim that is wrong. The message is a clause for the caller and
    repeats nothing from the token.
    """

    def __init__(self, reason: str, message: str) -> None:
        """Carry the reason beside the message."""
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key, constructed once, with its one algorithm."""

    kid: str
    alg: Algorithm
    _public: Mapping[str, str] = field(repr=False, hash=False)
    _key: Key = field(repr=False, compare=False)

    def verify(self, signing_input: bytes, signature: bytes) -> bool:
        """Whether the raw signature (RFC 7518 section 3) is this key's over exactly these bytes."""
        if self.alg == "ES256" and not _is_es256_signature(signature):
            return False
        return self._key.verify(signing_input, signature)

    def public_jwk(self) -> dict[str, str]:
        """Give the key as a public JWK with `kid`, `alg` and `use`."""
        return {**self._public, "kid": self.kid, "alg": self.alg, "use": "sig"}


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private P-256 key, constructed once. Its representation shows no secret."""

    kid: str
    alg: Literal["ES256"]
    verification_key: VerificationKey = field(repr=False)
    _private_value: str = field(repr=False)
    _private: ec.EllipticCurvePrivateKey = field(repr=False, compare=False)

    def sign(self, signing_input: bytes) -> bytes:
        """Sign with ES256: 64 bytes, r and s (RFC 7518 section 3.4)."""
        # Not through python-jose, whose wrapping costs half as much again as the signature.
        r, s = decode_dss_signature(self._private.sign(signing_input, _ES256))
        return r.to_bytes(P256_BYTES, "big") + s.to_bytes(P256_BYTES, "big")

    def public_jwk(self) -> dict[str, str]:
        """Give the public half as a JWK."""
        return self.verification_key.public_jwk()

    def to_private_jwk(self) -> dict[str, str]:
        """Give the key as a private JWK, to be stored encrypted."""
        return {**self.public_jwk(), "d": self._private_value}


@dataclass(frozen=True, slots=True)
class ParsedJws:
    """A compact JWS taken apart and not yet verified. `typ` is in lower case, without `application/`."""

    header: Mapping[str, object]
    alg: Algorithm
    kid: str | None
    typ: str | None
    payload: bytes
    signing_input: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class VerifiedJws:
    """Header and payload of a JWS whose signature was verified."""

    header: Mapping[str, object]
    payload: bytes


def verification_key_from_jwk(jwk: Mapping[str, object]) -> VerificationKey:
    """Construct a public key from a JWK; private members are ignored.

    Taken are P-256 keys (ES256) and RSA keys of 2048 to 8192 bits (`alg`, RS256 where it is absent).
    Raises InvalidKeyError, also for another use than signatures and for a missing `kid`.
    """
    public = read_public_jwk(jwk)
    key = _construct(public.members, public.alg)
    return VerificationKey(public.kid, public.alg, MappingProxyType(public.members), key)


def verification_keys_from_jwks(jwks: Mapping[str, object]) -> dict[str, VerificationKey]:
    """Construct the usable keys of a JWK set by `kid`; others are passed over (RFC 7517 section 5).

    Of several with one `kid` the first counts. Raises InvalidKeyError when there is no usable key at all.
    """
    members = jwks.get("keys")
    keys: dict[str, VerificationKey] = {}
    for member in members if isinstance(members, list) else ():
        if not isinstance(member, Mapping):
            continue
        try:
            key = verification_key_from_jwk(member)
        except InvalidKeyError:
            continue
        keys.setdefault(key.kid, key)
    if not keys:
        raise InvalidKeyError("the key set holds no usable key")
    return keys


def signing_key_from_jwk(jwk: Mapping[str, object]) -> SigningKey:
    """Construct a signing key from a private P-256 JWK.

    Raises InvalidKeyError, also when the halves do not match.
    """
    public = verification_key_from_jwk({name: value for name, value in jwk.items() if name != "key_ops"})
    if public.alg != "ES256":
        raise InvalidKeyError("only P-256 keys sign")
    private_value = read_p256_number(jwk, "d")
    private = _private_key(public.public_jwk(), private_value)
    return SigningKey(public.kid, "ES256", public, private_value, private)


def generate_signing_key(kid: str) -> SigningKey:
    """Make a new P-256 key from the operating system's randomness."""
    members = jose_jwk.construct(ec.generate_private_key(ec.SECP256R1()), "ES256").to_dict()  # type: ignore[arg-type]  # the stubs omit the backend's own key objects
    return signing_key_from_jwk({**members, "kid": kid})


def sign_compact(
    payload: bytes, key: SigningKey, *, typ: str, header_extra: Mapping[str, object] | None = None
) -> str:
    """Sign the payload as it is and give the compact serialisation.

    The protected header has `alg`, `kid`, `typ` and then the extra members.
    Raises ValueError for an extra header that would set one of these, name a key, or be critical.
    """
    if header_extra:
        header = _encode_header(key.alg, key.kid, typ, header_extra)
    else:
        header = _plain_header(key.alg, key.kid, typ)
    signing_input = f"{header}.{encode_base64url(payload)}"
    return f"{signing_input}.{encode_base64url(key.sign(signing_input.encode('ascii')))}"


def parse_compact(token: str, *, max_chars: int = MAX_TOKEN_CHARS) -> ParsedJws:
    """Take a compact JWS apart, strictly; nothing in it is to be believed yet.

    Raises InvalidTokenError unless it is three parts of canonical base64url with a header that is a JSON
    object without duplicate members, names an allowed algorithm, and has no `crit`, `b64`, `jwk`, `jku`,
    `x5u` or `x5c`.
    """
    if len(token) > max_chars:
        raise InvalidTokenError("too_long", f"a token has at most {max_chars} characters")
    parts = token.split(".", 3)
    if len(parts) != 3:  # noqa: PLR2004  # header, payload, signature
        raise InvalidTokenError(
            "malformed", "a signed token is three parts of base64url joined by full stops"
        )
    header = _parse_header(parts[0])
    try:
        payload, signature = decode_base64url(parts[1]), decode_base64url(parts[2])
    except ValueError:
        raise InvalidTokenError("malformed", "its parts must be base64url without padding") from None
    signing_input = token[: len(parts[0]) + 1 + len(parts[1])].encode("ascii")
    return ParsedJws(header.members, header.alg, header.kid, header.typ, payload, signing_input, signature)


def require_type(jws: ParsedJws, typ: str | frozenset[str | None]) -> None:
    """Raise InvalidTokenError unless the header's `typ` is the one given, or one of them; None means absent.

    Compared as a media type: whatever the case, and with or without `application/` (RFC 7515 section 4.1.9).
    """
    allowed = typ if isinstance(typ, frozenset) else {typ}
    if jws.typ not in {_media_type(name) for name in allowed}:
        names = " or ".join(sorted(f"`{name}`" if name else "no `typ`" for name in allowed))
        raise InvalidTokenError("typ", f"it is a token of another kind: here its header must have {names}")


def verify_signature(jws: ParsedJws, key: VerificationKey | None) -> VerifiedJws:
    """Verify with the key that the issuer has under the token's `kid`; None means that it has none.

    Raises InvalidTokenError with the reason `kid`, `alg` or `signature`.
    """
    if key is None or key.kid != jws.kid:
        raise InvalidTokenError("kid", "its header must name a key (`kid`) of its issuer")
    if key.alg != jws.alg:
        raise InvalidTokenError("alg", "its `alg` is not the algorithm of the key that it names")
    if not key.verify(jws.signing_input, jws.signature):
        raise InvalidTokenError("signature", "its signature does not verify")
    return VerifiedJws(jws.header, jws.payload)


def verify_compact(
    token: str,
    keys: Mapping[str, VerificationKey],
    *,
    typ: str | frozenset[str | None],
    max_chars: int = MAX_TOKEN_CHARS,
) -> VerifiedJws:
    """Parse, check the type and verify with the key named by `kid`. Raises InvalidTokenError."""
    jws = parse_compact(token, max_chars=max_chars)
    require_type(jws, typ)
    return verify_signature(jws, None if jws.kid is None else keys.get(jws.kid))


def claims(payload: bytes) -> dict[str, object]:
    """Read a payload as a strict JSON object (`parse_json_object`). Raises InvalidTokenError."""
    try:
        return parse_json_object(payload)
    except ValueError:
        raise InvalidTokenError(
            "claims", "its payload must be a JSON object in UTF-8 without duplicate members"
        ) from None


@dataclass(frozen=True, slots=True)
class _Header:
    members: Mapping[str, object]
    alg: Algorithm
    kid: str | None
    typ: str | None


# An issuer's headers repeat: few distinct ones make nearly all tokens.
@lru_cache(maxsize=256)
def _parse_header(segment: str) -> _Header:
    if len(segment) > MAX_HEADER_CHARS:
        raise InvalidTokenError("too_long", f"a token's header has at most {MAX_HEADER_CHARS} characters")
    try:
        members = parse_json_object(decode_base64url(segment))
    except ValueError:
        raise InvalidTokenError(
            "malformed", "its header must be base64url of a JSON object without duplicate members"
        ) from None
    if _KEY_HEADERS & members.keys():
        raise InvalidTokenError("remote_key", "its header must not bring or point to a key")
    if {"crit", "b64"} & members.keys():
        raise InvalidTokenError(
            "critical", "its header must not have `crit` or `b64`: no extension is understood"
        )
    algorithm = members.get("alg")
    if not is_algorithm(algorithm):
        raise InvalidTokenError("alg", f"its `alg` must be one of {', '.join(sorted(ALGORITHMS))}")
    kid, typ = _text_header(members, "kid"), _text_header(members, "typ")
    return _Header(MappingProxyType(members), algorithm, kid, _media_type(typ))


def _text_header(members: Mapping[str, object], name: str) -> str | None:
    if name not in members:
        return None
    value = members[name]
    if not is_name(value):
        raise InvalidTokenError("header", f"its `{name}` must be text of 1 to {MAX_NAME_CHARS} characters")
    return value


def _media_type(typ: str | None) -> str | None:
    return None if typ is None else typ.lower().removeprefix("application/")


@lru_cache(maxsize=256)
def _plain_header(alg: str, kid: str, typ: str) -> str:
    return _encode_header(alg, kid, typ, {})


def _encode_header(alg: str, kid: str, typ: str, extra: Mapping[str, object]) -> str:
    if not _FIXED_HEADERS.isdisjoint(extra):
        raise ValueError("an extra header may not replace a fixed one, name a key or be critical")
    return encode_base64url(orjson.dumps({"alg": alg, "kid": kid, "typ": typ, **extra}))


def _is_es256_signature(signature: bytes) -> bool:
    if len(signature) != 2 * P256_BYTES:
        return False
    r = int.from_bytes(signature[:P256_BYTES], "big")
    s = int.from_bytes(signature[P256_BYTES:], "big")
    return 0 < r < _P256_ORDER and 0 < s < _P256_ORDER


def _private_key(public: Mapping[str, str], private_value: str) -> ec.EllipticCurvePrivateKey:
    x, y, d = (
        int.from_bytes(decode_base64url(text), "big") for text in (public["x"], public["y"], private_value)
    )
    numbers = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1())
    try:
        return ec.EllipticCurvePrivateNumbers(d, numbers).private_key()
    except ValueError as error:
        raise InvalidKeyError("the numbers make no valid key") from error


def _construct(members: Mapping[str, str], alg: str) -> Key:
    try:
        return jose_jwk.construct(dict(members), alg)
    except (JOSEError, ValueError) as error:
        raise InvalidKeyError("the numbers make no valid key") from error
