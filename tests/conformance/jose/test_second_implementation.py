"""joserfc verifies what the registry signs, and the registry verifies what joserfc signs."""

from collections.abc import Mapping

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey

from registry.domain.errors import UnauthenticatedError
from registry.identity.access_tokens import verify_access_token
from registry.identity.issuer_keys import StaticKeys
from registry.identity.issuers import Purpose, TrustedIssuer, index_issuers
from registry.signing.encodings import encode_base64url
from registry.signing.jose import (
    InvalidTokenError,
    generate_signing_key,
    sign_compact,
    signing_key_from_jwk,
    verification_key_from_jwk,
    verification_keys_from_jwks,
    verify_compact,
)
from token_forge import AUDIENCE, ISSUER, NOW, access_claims

OURS = generate_signing_key("ours-1")
OUR_PUBLIC_KEY = ECKey.import_key({**OURS.public_jwk()})
THEIR_EC = ECKey.generate_key("P-256", {"kid": "theirs-ec", "use": "sig"})
THEIR_RSA = RSAKey.generate_key(2048, {"kid": "theirs-rsa", "use": "sig"})
TYP = "mandate-receipt+jwt"


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=500))
def test_theirs_verifies_ours(payload: bytes) -> None:
    token = sign_compact(payload, OURS, typ=TYP)
    verified = jws.deserialize_compact(token, OUR_PUBLIC_KEY, algorithms=["ES256"])
    assert verified.payload == payload
    assert verified.headers() == {"alg": "ES256", "kid": "ours-1", "typ": TYP}


@settings(max_examples=25, deadline=None)
@given(payload=st.binary(max_size=500), alg=st.sampled_from(["ES256", "RS256", "RS384", "RS512"]))
def test_ours_verifies_theirs(payload: bytes, alg: str) -> None:
    theirs = THEIR_EC if alg == "ES256" else THEIR_RSA
    token = jws.serialize_compact({"alg": alg, "kid": theirs.kid, "typ": TYP}, payload, theirs, [alg])
    key = verification_key_from_jwk({**theirs.as_dict(private=False), "alg": alg})
    assert verify_compact(token, {key.kid: key}, typ=TYP).payload == payload


def test_keys_pass_both_ways() -> None:
    imported = signing_key_from_jwk(THEIR_EC.as_dict(private=True))
    assert THEIR_EC.as_dict(private=True).items() <= imported.to_private_jwk().items()
    exported = ECKey.import_key({**OURS.to_private_jwk()})
    token = jws.serialize_compact({"alg": "ES256", "kid": OURS.kid}, b"payload", exported, ["ES256"])
    verified = verify_compact(token, {OURS.kid: OURS.verification_key}, typ=frozenset({None}))
    assert verified.payload == b"payload"
    sent = KeySet([THEIR_EC, THEIR_RSA]).as_dict(private=False)
    assert set(verification_keys_from_jwks(sent)) == {"theirs-ec", "theirs-rsa"}


@pytest.mark.parametrize(
    "head",
    [
        {"alg": "ES256", "kid": "ours-1", "typ": TYP, "crit": ["urn:x"], "urn:x": 1},
        {"alg": "none", "kid": "ours-1", "typ": TYP},
    ],
    ids=["crit", "none"],
)
def test_both_refuse(head: dict[str, object]) -> None:
    signing_input = f"{encode_base64url(orjson.dumps(head))}.e30"
    token = f"{signing_input}.{encode_base64url(OURS.sign(signing_input.encode()))}"
    with pytest.raises(JoseError):
        jws.deserialize_compact(token, OUR_PUBLIC_KEY, algorithms=["ES256"])
    with pytest.raises(InvalidTokenError):
        verify_compact(token, {OURS.kid: OURS.verification_key}, typ=TYP)


def their_access_token(head: Mapping[str, str], **changes: object) -> str:
    key = THEIR_RSA if head["alg"] == "RS256" else THEIR_EC
    return jwt.encode({"kid": key.kid, "typ": "at+jwt", **head}, access_claims(**changes), key, [head["alg"]])


async def test_their_access_tokens_pass_and_their_id_tokens_do_not() -> None:
    keys = StaticKeys(verification_keys_from_jwks(KeySet([THEIR_EC, THEIR_RSA]).as_dict(private=False)))
    issuers = index_issuers([TrustedIssuer(ISSUER, Purpose.ACCESS_TOKEN, keys, frozenset({AUDIENCE}))])
    for alg in ("ES256", "RS256"):
        claims = await verify_access_token(their_access_token({"alg": alg}, jti=alg), issuers, now=NOW)
        assert claims.jti == alg
        with pytest.raises(UnauthenticatedError, match="another kind"):
            await verify_access_token(their_access_token({"alg": alg, "typ": "JWT"}), issuers, now=NOW)
