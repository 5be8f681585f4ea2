"""What a valid access token says, at every edge of what is allowed."""

from datetime import UTC, datetime, timedelta

import pytest

from registry.identity.access_tokens import AccessTokenClaims, verify_access_token
from registry.signing.encodings import encode_base64url
from token_forge import (
    AUDIENCE,
    ISSUER,
    NOW,
    NOW_SECONDS,
    OTHER_ISSUER,
    access_claims,
    access_token,
    assemble,
    es_key,
    header,
    issuers,
    rsa_sign,
    without,
)

THUMBPRINT = encode_base64url(bytes(range(32)))


async def test_all_claims_are_given_as_they_are() -> None:
    token = access_token(cnf={"x5t#S256": THUMBPRINT})
    assert await verify_access_token(token, issuers(), now=NOW) == AccessTokenClaims(
        issuer=ISSUER,
        client_id="demo-platform",
        subject="demo-platform",
        scopes=frozenset({"templates:read", "verify:own"}),
        expires_at=datetime.fromtimestamp(NOW_SECONDS + 600, UTC),
        jti="token-1",
        confirmation=THUMBPRINT,
    )


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"])
async def test_type_is_compared_as_a_media_type(typ: str) -> None:
    claims = await verify_access_token(assemble(header(typ=typ), access_claims()), issuers(), now=NOW)
    assert claims.jti == "token-1"


@pytest.mark.parametrize(
    "changes",
    [
        {"iat": NOW_SECONDS + 10},
        {"nbf": NOW_SECONDS + 10},
        {"nbf": NOW_SECONDS - 60},
        {"exp": NOW_SECONDS + 1},
        {"iat": 0},
        {"exp": 253_402_300_799},
        {"aud": [AUDIENCE]},
        {"aud": ["https://other-api.example.test", AUDIENCE]},
        {"sub": "Åsa Öberg"},
        {"unknown": {"members": [1.5, None, "are ignored"]}},
    ],
    ids=str,
)
async def test_edges_of_what_is_allowed(changes: dict[str, object]) -> None:
    claims = await verify_access_token(access_token(**changes), issuers(), now=NOW)
    assert claims.client_id == "demo-platform"


@pytest.mark.parametrize("scope", [None, ""])
async def test_a_token_without_scope_allows_nothing(scope: str | None) -> None:
    claims = without(access_claims(), "scope")
    token = assemble(header(), claims if scope is None else {**claims, "scope": scope})
    assert (await verify_access_token(token, issuers(), now=NOW)).scopes == frozenset()


async def test_rs256_and_another_issuer_are_verified_by_their_own_keys() -> None:
    by_rsa = assemble(header(alg="RS256", kid="rs-1"), access_claims(jti="by-rsa"), rsa_sign)
    assert (await verify_access_token(by_rsa, issuers(), now=NOW)).jti == "by-rsa"
    other = assemble(header(kid="other-1"), access_claims(iss=OTHER_ISSUER), es_key("other-1").sign)
    assert (await verify_access_token(other, issuers(), now=NOW)).issuer == OTHER_ISSUER


async def test_a_token_is_good_until_the_second_it_expires() -> None:
    token = access_token(exp=NOW_SECONDS + 1)
    last = datetime.fromtimestamp(NOW_SECONDS + 1, UTC) - timedelta(microseconds=1)
    assert (await verify_access_token(token, issuers(), now=last)).confirmation is None
