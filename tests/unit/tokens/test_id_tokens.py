"""An id token proves who acts now, to whom it was issued, and nothing else."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from registry.domain.errors import ForbiddenError, UnauthenticatedError
from registry.domain.parties import Party, Scheme
from registry.identity.id_tokens import AuthenticatedPerson, verify_id_token
from registry.signing.jose import InvalidTokenError
from token_forge import (
    AUDIENCE,
    CLIENT_AUDIENCE,
    COORDINATION_CLAIM,
    ISSUER,
    NOW,
    NOW_SECONDS,
    OTHER_ISSUER,
    OTHER_PERSON,
    PERSON,
    PERSON_CLAIM,
    access_claims,
    assemble,
    es_key,
    header,
    id_claims,
    issuers,
    without,
)

OURS = frozenset({CLIENT_AUDIENCE})
COORDINATION_NUMBER = "197010639800"  # computed, with a serial kept for tests


def id_token(**changes: object) -> str:
    return assemble(header(typ="JWT"), id_claims(**changes))


async def verify(token: str) -> AuthenticatedPerson:
    return await verify_id_token(token, issuers(), audiences=OURS, now=NOW)


async def test_the_person_is_given_with_the_digest_of_the_token() -> None:
    token = id_token()
    assert await verify(token) == AuthenticatedPerson(
        party=Party(Scheme.SE_PNR, PERSON),
        issuer=ISSUER,
        issued_at=datetime.fromtimestamp(NOW_SECONDS - 60, UTC),
        token_digest=sha256(token.encode()).digest(),
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": [CLIENT_AUDIENCE]},
        {"aud": AUDIENCE},
        {"aud": [CLIENT_AUDIENCE, "another"], "azp": CLIENT_AUDIENCE},
        {"azp": CLIENT_AUDIENCE},
        {"iat": NOW_SECONDS + 10},
        {"iat": NOW_SECONDS - 299},
        {COORDINATION_CLAIM: None},
        {"nonce": "n", "auth_time": 1, "acr": "loa3"},
    ],
    ids=str,
)
async def test_edges_of_what_is_allowed(changes: dict[str, object]) -> None:
    assert (await verify(id_token(**changes))).party.value == PERSON


async def test_a_token_without_typ_is_an_id_token() -> None:
    token = assemble(without(header(), "typ"), id_claims())
    assert (await verify(token)).party.value == PERSON


async def test_the_age_limit_is_an_argument() -> None:
    token = id_token(iat=NOW_SECONDS - 120)
    with pytest.raises(UnauthenticatedError, match="older than 60 seconds"):
        await verify_id_token(token, issuers(), audiences=OURS, now=NOW, max_age=timedelta(minutes=1))


REFUSED: dict[str, tuple[str, Callable[[], str]]] = {
    "access_token": ("typ", lambda: assemble(header(), access_claims())),
    "access_token_typed_jwt": (
        "typ",
        lambda: assemble(header(typ="JWT"), {**access_claims(), **id_claims()}),
    ),
    "token_with_scope": ("typ", lambda: id_token(scope="openid")),
    "evidence": ("typ", lambda: assemble(header(typ="mandate-signature+jwt"), id_claims())),
    "receipt": ("typ", lambda: assemble(header(typ="mandate-receipt+jwt"), id_claims())),
    "issuer_of_access_tokens_only": (
        "iss",
        lambda: assemble(
            header(typ="JWT", kid="other-1"), id_claims(iss=OTHER_ISSUER), es_key("other-1").sign
        ),
    ),
    "another_key": ("signature", lambda: assemble(header(typ="JWT"), id_claims(), es_key("x").sign)),
    "older_than_five_minutes": ("iat", lambda: id_token(iat=NOW_SECONDS - 300)),
    "issued_ahead": ("iat", lambda: id_token(iat=NOW_SECONDS + 11)),
    "iat_missing": ("iat", lambda: assemble(header(typ="JWT"), without(id_claims(), "iat"))),
    "expired": ("exp", lambda: id_token(exp=NOW_SECONDS)),
    "exp_missing": ("exp", lambda: assemble(header(typ="JWT"), without(id_claims(), "exp"))),
    "sub_missing": ("sub", lambda: assemble(header(typ="JWT"), without(id_claims(), "sub"))),
    "another_client": ("aud", lambda: id_token(aud="another-platform")),
    "aud_missing": ("aud", lambda: assemble(header(typ="JWT"), without(id_claims(), "aud"))),
    "several_audiences_without_azp": ("azp", lambda: id_token(aud=[CLIENT_AUDIENCE, "another"])),
    "authorised_party_is_another": ("azp", lambda: id_token(azp="another")),
    "authorised_party_is_null": ("azp", lambda: id_token(azp=None)),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_refused_as_unauthenticated(name: str) -> None:
    reason, build = REFUSED[name]
    with pytest.raises(UnauthenticatedError) as caught:
        await verify(build())
    cause = caught.value.__cause__
    assert isinstance(cause, InvalidTokenError)
    assert cause.reason == reason
    assert caught.value.message.startswith("The id token is refused: ")


async def test_no_audience_is_ours_unless_the_issuer_or_the_caller_names_one() -> None:
    with pytest.raises(UnauthenticatedError, match="`aud`"):
        await verify_id_token(id_token(), issuers(), audiences=frozenset(), now=NOW)


@pytest.mark.parametrize(
    "claims",
    [
        without(id_claims(), PERSON_CLAIM),
        id_claims(**{PERSON_CLAIM: None}),
        id_claims(**{PERSON_CLAIM: ""}),
        id_claims(**{PERSON_CLAIM: int(PERSON)}),
        id_claims(**{PERSON_CLAIM: [PERSON]}),
        id_claims(**{PERSON_CLAIM: PERSON[:-1] + "0"}),
        id_claims(**{PERSON_CLAIM: "\uff11" + PERSON[1:]}),
        id_claims(**{COORDINATION_CLAIM: COORDINATION_NUMBER}),
    ],
    ids=["missing", "null", "empty", "number", "list", "check digit", "full width", "two persons"],
)
async def test_a_valid_token_that_names_no_person_is_forbidden(claims: dict[str, object]) -> None:
    with pytest.raises(ForbiddenError) as caught:
        await verify(assemble(header(typ="JWT"), claims))
    assert caught.value.message.startswith("The id token does not say who is acting: ")
    for number in (PERSON, OTHER_PERSON, COORDINATION_NUMBER):
        assert number[2:] not in caught.value.message
