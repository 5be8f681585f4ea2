"""The header `Id-Token`: it proves the person behind an act, and only that person, here and now."""

from typing import Any

import pytest

from factories import (
    BERI,
    CPR_CLAIM,
    HERMAN,
    MARIA,
    PAUL,
    PERSON_CLAIM,
    PETRONELLA,
    Organisation,
    World,
    organisation_number,
    person,
)
from problem_documents import assert_problem
from registry.domain.callers import Scope
from registry.domain.parties import Party, Scheme

Json = dict[str, Any]


async def revoke(caller: Organisation, mandate: Json, token: str | None, by: str = "principal") -> Any:  # noqa: ANN401
    headers = {} if token is None else {"Id-Token": token}
    return await caller.post(f"/v1/mandates/{mandate['id']}/revocation", {"by": by}, **headers)


@pytest.fixture
async def mandate(world: World, municipality: Organisation) -> Json:
    return await world.issue(municipality, await world.publish_template(municipality))


async def still_active(reader: Organisation, mandate: Json) -> bool:
    status = (await reader.get(f"/v1/mandates/{mandate['id']}")).json()["status"]
    return bool(status == "active")


async def test_an_act_of_a_person_needs_that_person(
    world: World, municipality: Organisation, mandate: Json
) -> None:
    assert_problem(await revoke(municipality, mandate, None), 403, "forbidden")
    for number, by in ((PAUL, "principal"), (BERI, "representative"), (MARIA, "principal")):
        token = world.id_token(number, municipality.client_id)
        assert_problem(await revoke(municipality, mandate, token, by), 403, "forbidden")
    assert await still_active(municipality, mandate)
    done = await revoke(municipality, mandate, world.id_token(BERI, municipality.client_id))
    assert (done.status_code, done.json()["by"]) == (201, "principal")


async def test_a_representative_renounces(world: World, municipality: Organisation, mandate: Json) -> None:
    token = world.id_token(PAUL, municipality.client_id)
    done = await revoke(municipality, mandate, token, "representative")
    assert (done.status_code, done.json()["type"]) == (201, "mandate.renounced")


async def test_the_registry_itself_may_be_the_audience(
    world: World, municipality: Organisation, mandate: Json
) -> None:
    token = world.id_token(BERI, world.runtime.settings.public_url)
    assert (await revoke(municipality, mandate, token)).status_code == 201


async def test_the_person_counts_through_any_organisations_client(world: World, mandate: Json) -> None:
    """A portal of another organisation sees the mandate only together with its principal."""
    portal = await world.organisation(scopes=frozenset({Scope.MANDATES_REVOKE}), name="A portal")
    assert_problem(await revoke(portal, mandate, None), 404, "not-found")
    stranger = world.id_token(HERMAN, portal.client_id)
    assert_problem(await revoke(portal, mandate, stranger), 404, "not-found")
    assert (await revoke(portal, mandate, world.id_token(BERI, portal.client_id))).status_code == 201


REFUSED: dict[str, Json] = {
    "of another client": {"audience": "test-other"},
    "issued to another client": {"aud": ["CLIENT", "test-other"]},
    "expired": {"exp": 1},
    "more than five minutes old": {"iat": -301},
    "from the future": {"iat": 600},
    "of an unknown issuer": {"iss": "https://other.example.test"},
    "really an access token": {"scope": "templates:read"},
    "without a subject": {"sub": ""},
}


@pytest.mark.parametrize("changes", REFUSED.values(), ids=REFUSED)
async def test_a_token_that_is_not_good_here_and_now_is_refused(
    world: World, municipality: Organisation, mandate: Json, changes: Json
) -> None:
    claims = dict(changes)
    audience = claims.pop("audience", municipality.client_id)
    if "aud" in claims:
        claims["aud"] = [municipality.client_id, "test-other"]
    if "iat" in claims:
        claims["iat"] += int(world.clock().timestamp())
    token = world.id_token(BERI, audience, **claims)
    problem = assert_problem(await revoke(municipality, mandate, token), 401, "unauthenticated")
    assert problem["detail"].startswith("The id token is refused: ")
    assert await still_active(municipality, mandate)


async def test_who_sends_another_clients_id_token_is_told_whom_it_should_name(
    world: World, municipality: Organisation, mandate: Json
) -> None:
    refused = await revoke(municipality, mandate, world.id_token(BERI, "test-other"))
    detail = assert_problem(refused, 401, "unauthenticated")["detail"]
    assert (
        detail == "The id token is refused: its `aud` does not name the client that calls or this registry."
    )


async def test_what_is_no_id_token_is_refused(
    world: World, municipality: Organisation, mandate: Json
) -> None:
    access = world.access_token(municipality.client_id, frozenset(Scope))
    signature = world.evidence(BERI, "x" * 43)
    for token in ("x", "x.y.z", BERI, access, signature):
        assert_problem(await revoke(municipality, mandate, token), 401, "unauthenticated")
    assert_problem(await revoke(municipality, mandate, ""), 403, "forbidden")
    assert_problem(await revoke(municipality, mandate, "x" * 8193), 422, "invalid-input", "header:Id-Token")


async def test_a_token_that_names_nobody_known_is_forbidden(
    world: World, municipality: Organisation, mandate: Json
) -> None:
    for claims in ({PERSON_CLAIM: "198602262382"}, {PERSON_CLAIM: 5}, {PERSON_CLAIM: None}):
        token = world.id_token(BERI, municipality.client_id, **claims)
        assert_problem(await revoke(municipality, mandate, token), 403, "forbidden")
    two = world.id_token(BERI, municipality.client_id, **{CPR_CLAIM: "0112891234"})
    assert_problem(await revoke(municipality, mandate, two), 403, "forbidden")
    nobody = world.id_token("x", municipality.client_id, claim="name")
    assert_problem(await revoke(municipality, mandate, nobody), 403, "forbidden")
    assert await still_active(municipality, mandate)


async def test_an_organisation_acts_through_its_own_client(world: World, municipality: Organisation) -> None:
    company = await world.organisation(Party(Scheme.SE_ORGNR, organisation_number()), name="Restaurang AB")
    rule = {"alternatives": [{"any_of": [person(PETRONELLA, None)], "count": 1}]}
    granted = {
        "principal": company.wire,
        "principal_details": {"signatory_rule": rule, "source": "Bolagsverket"},
    }
    template = await world.publish_template(municipality)
    first = await world.issue(municipality, template, PETRONELLA, **granted)
    assert_problem(await revoke(municipality, first, None), 403, "forbidden")
    assert (await revoke(company, first, None)).status_code == 201
    second = await world.issue(municipality, template, PETRONELLA, **granted)
    outsider = world.id_token(MARIA, municipality.client_id)
    assert_problem(await revoke(municipality, second, outsider), 403, "forbidden")
    signatory = world.id_token(PETRONELLA, municipality.client_id)
    assert (await revoke(municipality, second, signatory)).status_code == 201


async def test_the_token_proves_no_other_role(
    world: World, municipality: Organisation, mandate: Json
) -> None:
    portal = await world.organisation(name="A portal")
    token = world.id_token(BERI, portal.client_id)
    address = f"/v1/mandates/{mandate['id']}"
    for by in ("third_party", "registrar"):
        body = {"by": by, "reason": "closed"}
        refused = await portal.post(f"{address}/revocation", body, Id_Token=token)
        assert_problem(refused, 403, "forbidden")
    refused = await portal.post(f"{address}/suspension", {"reason": "checked"}, Id_Token=token)
    assert_problem(refused, 404, "not-found")
    assert_problem(await portal.http.get(address, headers={"Id-Token": token}), 404, "not-found")
    assert await still_active(municipality, mandate)
