"""Keys, issuers and tokens for tests: valid ones, and any malformed or forged variation of them."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache

import orjson
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from registry.domain.errors import UnauthenticatedError
from registry.domain.parties import Scheme
from registry.identity.access_tokens import verify_access_token
from registry.identity.issuer_keys import StaticKeys
from registry.identity.issuers import (
    Purpose,
    TrustedIssuer,
    TrustedIssuers,
    index_issuers,
)
from registry.signing.encodings import encode_base64url
from registry.signing.jose import (
    InvalidTokenError,
    SigningKey,
    VerificationKey,
    generate_signing_key,
    verification_key_from_jwk,
)

NOW = datetime(2026, 11, 21, 9, 0, 0, 500_000, tzinfo=UTC)
NOW_SECONDS = int(NOW.timestamp())

ISSUER = "https://login.example.test"
OTHER_ISSUER = "https://other.example.test"
EID_ISSUER = "https://eid.example.test"
AUDIENCE = "https://registry.example.test"
CLIENT_AUDIENCE = "e-service-platform"

PERSON_CLAIM = "https://claims.oidc.se/1.0/personalNumber"
COORDINATION_CLAIM = "https://claims.oidc.se/1.0/coordinationNumber"
PERSON_CLAIMS = {PERSON_CLAIM: Scheme.SE_PNR, COORDINATION_CLAIM: Scheme.SE_SAMNR}
PERSON = "198602262381"
OTHER_PERSON = "195809132896"

Json = dict[str, object]
Signer = Callable[[bytes], bytes]


@cache
def es_key(kid: str = "es-1") -> SigningKey:
    return generate_signing_key(kid)


@cache
def rsa_private_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def rsa_sign(message: bytes) -> bytes:
    return rsa_private_key().sign(message, padding.PKCS1v15(), hashes.SHA256())


def rsa_jwk() -> Json:
    numbers = rsa_private_key().public_key().public_numbers()
    return {
        "kty": "RSA",
        "kid": "rs-1",
        "alg": "RS256",
        "use": "sig",
        "n": encode_base64url(numbers.n.to_bytes(256, "big")),
        "e": encode_base64url(numbers.e.to_bytes(3, "big")),
    }


def key_map(*keys: SigningKey) -> dict[str, VerificationKey]:
    return {key.kid: key.verification_key for key in keys}


@cache
def issuers() -> TrustedIssuers:
    """The main issuer (ES256 and RS256 keys) for access and id tokens, another one, and an e-ID issuer."""
    rsa_key = verification_key_from_jwk(rsa_jwk())
    keys = StaticKeys({**key_map(es_key()), "rs-1": rsa_key})
    other = StaticKeys(key_map(es_key("other-1")))
    eid = StaticKeys(key_map(es_key("eid-1")))
    audience = frozenset({AUDIENCE})
    return index_issuers(
        [
            TrustedIssuer(ISSUER, Purpose.ACCESS_TOKEN, keys, audience),
            TrustedIssuer(OTHER_ISSUER, Purpose.ACCESS_TOKEN, other, audience),
            TrustedIssuer(ISSUER, Purpose.ID_TOKEN, keys, audience, person_claims=PERSON_CLAIMS),
            TrustedIssuer(EID_ISSUER, Purpose.EID, eid, person_claims=PERSON_CLAIMS),
        ]
    )


def access_claims(**changes: object) -> Json:
    return {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "demo-platform",
        "client_id": "demo-platform",
        "scope": "templates:read verify:own",
        "iat": NOW_SECONDS - 60,
        "exp": NOW_SECONDS + 600,
        "jti": "token-1",
        **changes,
    }


def id_claims(**changes: object) -> Json:
    return {
        "iss": ISSUER,
        "aud": CLIENT_AUDIENCE,
        "sub": "pairwise-1",
        "iat": NOW_SECONDS - 60,
        "exp": NOW_SECONDS + 600,
        PERSON_CLAIM: PERSON,
        **changes,
    }


def evidence_claims(digest: bytes, **changes: object) -> Json:
    return {
        "iss": EID_ISSUER,
        "iat": NOW_SECONDS - 60,
        "content_digest": encode_base64url(digest),
        "name": "Beri Ylles",
        PERSON_CLAIM: PERSON,
        **changes,
    }


def header(**changes: object) -> Json:
    return {"alg": "ES256", "kid": "es-1", "typ": "at+jwt", **changes}


def without(members: Mapping[str, object], *names: str) -> Json:
    return {name: value for name, value in members.items() if name not in names}


def assemble(
    head: Mapping[str, object] | bytes, payload: Mapping[str, object] | bytes, sign: Signer | None = None
) -> str:
    """Join any header and payload with whatever `sign` makes of them; by default the issuer's ES256."""
    head_bytes = head if isinstance(head, bytes) else orjson.dumps(head)
    payload_bytes = payload if isinstance(payload, bytes) else orjson.dumps(payload)
    signing_input = f"{encode_base64url(head_bytes)}.{encode_base64url(payload_bytes)}"
    signature = (sign or es_key().sign)(signing_input.encode())
    return f"{signing_input}.{encode_base64url(signature)}"


def access_token(**claim_changes: object) -> str:
    return assemble(header(), access_claims(**claim_changes))


def headed(**changes: object) -> Callable[[], str]:
    return lambda: assemble(header(**changes), access_claims())


def claiming(**changes: object) -> Callable[[], str]:
    return lambda: access_token(**changes)


def unsigned(alg: str) -> Callable[[], str]:
    return lambda: assemble(header(alg=alg), access_claims(), lambda _: b"")


def lacking(name: str) -> Callable[[], str]:
    return lambda: assemble(header(), without(access_claims(), name))


async def assert_access_token_refused(token: str, reason: str) -> None:
    """Show that the token is refused for this reason, with a message that repeats nothing from it."""
    with pytest.raises(UnauthenticatedError) as caught:
        await verify_access_token(token, issuers(), now=NOW)
    cause = caught.value.__cause__
    assert isinstance(cause, InvalidTokenError)
    assert cause.reason == reason
    assert caught.value.message == f"The access token is refused: {cause}."
    assert "demo-platform" not in caught.value.message
    assert "attacker" not in caught.value.message
