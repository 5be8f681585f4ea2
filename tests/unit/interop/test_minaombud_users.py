"""The id token in `X-Id-Token`: every claim and every header is looked at."""

from datetime import UTC, datetime
from typing import Any

import pytest

from minaombud_client import UserKey
from party_numbers import swedish
from registry.domain.errors import UnauthenticatedError
from registry.domain.parties import Party, Scheme
from registry.identity.issuer_keys import StaticKeys
from registry.identity.issuers import Purpose, TrustedIssuer
from registry.interop.minaombud.clients import ALGORITHMS, PERSON_CLAIMS
from registry.interop.minaombud.id_tokens import User, verify_user
from registry.signing.jose import verification_key_from_jwk
from registry.signing.jwk import InvalidKeyError

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
PNR, SAMNR = PERSON_CLAIMS
BERI = "198602262381"
IAT = int(NOW.timestamp())
CLAIMS: dict[str, Any] = {
    "iss": "http://localhost",
    "aud": "mina-ombud",
    "sub": "4fe3e84f-400f-4459-b4ca-ae0ffdfe3ed2",
    "iat": IAT,
    "exp": IAT + 120,
    PNR: BERI,
}
KEY = UserKey()


async def read(token: str, **jwk: str) -> User:
    public = verification_key_from_jwk(KEY.public_jwk(**jwk))
    issuer = TrustedIssuer(
        issuer="http://localhost",
        purpose=Purpose.ID_TOKEN,
        keys=StaticKeys({public.kid: public}),
        audiences=frozenset({"mina-ombud"}),
        algorithms=ALGORITHMS,
        person_claims=PERSON_CLAIMS,
    )
    return await verify_user(token, {issuer.issuer: issuer}, now=NOW)


def signed(header: dict[str, Any] | None = None, **changes: Any) -> str:  # noqa: ANN401  # any claim
    claims = {name: value for name, value in (CLAIMS | changes).items() if value is not None}
    return KEY.sign(claims, header)


async def test_a_person_a_case_handler_or_both() -> None:
    beri = Party(Scheme.SE_PNR, BERI)
    assert await read(signed()) == User(beri, None)
    assert await read(signed(preferred_username="casey")) == User(beri, "casey")
    assert await read(signed(**{PNR: None, "preferred_username": "casey"})) == User(None, "casey")
    number = swedish("20900163001")
    assert await read(signed(**{PNR: None, SAMNR: number})) == User(Party(Scheme.SE_SAMNR, number), None)
    assert (await read(signed(aud=["mina-ombud", "other"], azp="client"))).person == beri
    assert (await read(signed(exp=IAT + 36_000))).person == beri


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
@pytest.mark.parametrize("jwk", [{}, {"alg": "RS256"}], ids=str)
@pytest.mark.parametrize("typ", [None, "JWT"])
async def test_every_algorithm_with_and_without_type(
    algorithm: str, jwk: dict[str, str], typ: str | None
) -> None:
    assert (await read(signed({"alg": algorithm, "typ": typ}), **jwk)).person is not None


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        *(({name: None}, name) for name in ("iss", "aud", "sub", "iat", "exp")),
        ({PNR: None}, PNR),
        ({PNR: "198602262382"}, "se-pnr"),
        ({PNR: 198602262381}, "must be text"),
        ({SAMNR: swedish("20900163001")}, "exactly one person"),
        ({PNR: None, "preferred_username": ""}, "preferred_username"),
        ({PNR: None, "preferred_username": 1}, "preferred_username"),
        ({"iss": "http://localhost/"}, "iss"),
        ({"aud": "another"}, "aud"),
        ({"aud": []}, "aud"),
        ({"aud": ["mina-ombud", "other"]}, "azp"),
        ({"azp": 1}, "azp"),
        ({"sub": ""}, "sub"),
        ({"exp": IAT}, "expired"),
        ({"exp": str(IAT + 120)}, "exp"),
        ({"iat": IAT + 60}, "future"),
        ({"iat": IAT - 3601, "exp": IAT + 60}, "older than an hour"),
        ({"nbf": IAT + 60}, "nbf"),
    ],
    ids=str,
)
async def test_a_wrong_claim_is_told(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(UnauthenticatedError, match="X-Id-Token") as refused:
        await read(signed(**changes))
    assert told in refused.value.message
    assert BERI not in refused.value.message


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ({"kid": None}, "kid"),
        ({"kid": "another"}, "kid"),
        ({"alg": "none"}, "alg"),
        ({"alg": "HS256"}, "alg"),
        ({"alg": "PS256"}, "alg"),
        ({"alg": "ES256"}, "alg"),
        ({"alg": "RS384", "typ": "at+jwt"}, "another kind"),
        ({"jku": "https://keys.example.test"}, "key"),
        ({"x5c": []}, "key"),
        ({"crit": ["exp"]}, "crit"),
    ],
    ids=str,
)
async def test_a_wrong_header_is_told(header: dict[str, Any], told: str) -> None:
    with pytest.raises(UnauthenticatedError) as refused:
        await read(signed(header))
    assert told in refused.value.message


async def test_what_is_no_token_or_by_another_key_is_refused() -> None:
    tampered = ".".join([*signed(sub="another").split(".")[:2], signed().split(".")[2]])
    for token in ("", "a.b.c", "a.b", signed()[:-4], tampered):
        with pytest.raises(UnauthenticatedError):
            await read(token)


def test_a_weak_key_is_no_key() -> None:
    with pytest.raises(InvalidKeyError, match="2048"):
        verification_key_from_jwk(UserKey(bits=1024).public_jwk())
