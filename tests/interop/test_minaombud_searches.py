"""What Mina ombud's clients ask, and what they are told: signed, fresh, in their own words."""

from typing import Any

import pytest

from acting import decision
from api.test_answers_on_record import details
from api.test_granting_roles import COMPANY, company_body
from api.test_restrictions import impose
from factories import BERI, HERMAN, MARIA, PAUL, PETRONELLA, Json, person
from minaombud_client import RefusedError
from minaombud_platform import Platform
from party_numbers import swedish
from registry.interop.minaombud.clients import UserScope

COORDINATION = swedish("20900163001")  # not yet born


async def permitted(platform: Platform, number: str = PAUL, **changes: Any) -> list[Json]:  # noqa: ANN401
    """The contexts that a holder is told of."""
    answer = await platform.itself.search_permissions(
        platform.question(number, **changes), platform.id_token(number)
    )
    found: list[Json] = answer["kontext"]
    assert answer["page"] == {
        "size": 100,
        "number": 0,
        "totalElements": len(found),
        "totalPages": min(1, len(found)),
    }
    return found


async def test_a_holder_is_told_what_a_verification_permits(platform: Platform) -> None:
    template = await platform.world.publish_template(platform.organisation)
    mandate = await platform.world.issue(platform.organisation, template, permissions=["apply", "follow"])
    (context,) = await permitted(platform)
    assert context["tredjeman"] == platform.number
    assert context["fullmaktsgivare"] == {"id": BERI, "typ": "pnr", "namn": "Beri Ylles"}
    assert context["fullmaktsgivarroll"] == "PRIVAT"
    assert context["fullmaktshavare"] == [{"id": PAUL, "typ": "pnr", "namn": "Paul Ingemar Vall"}]
    assert context["behorigheter"] == [
        {"kod": "apply", "fullmakt": mandate["id"]},
        {"kod": "follow", "fullmakt": mandate["id"]},
    ]
    assert await decision(platform.organisation, permissions=["apply", "follow"]) == "permit"
    revoked = await platform.organisation.post(
        f"/v1/mandates/{mandate['id']}/revocation", {"by": "third_party", "reason": "Ended."}
    )
    assert revoked.status_code == 201
    assert await permitted(platform) == [], "nothing of an earlier answer is kept"


async def test_one_context_for_each_grantor_role_and_set_of_holders(platform: Platform) -> None:
    world, owner = platform.world, platform.organisation
    template = await world.publish_template(owner)
    both = [person(PAUL, "Paul"), person(MARIA, "Maria")]
    alone = await world.issue(owner, template)
    together = await world.issue(owner, template, representatives=both, permissions=["follow"])
    signed = await world.sign(owner, company_body(template), PETRONELLA)
    of_company = (await owner.post("/v1/mandates", signed)).json()
    trader = {"principal_role": "organisation", "permissions": ["follow"]}
    as_trader = await world.issue(owner, template, **trader)
    found = {
        (
            context["fullmaktsgivare"]["id"],
            context["fullmaktsgivarroll"],
            len(context["fullmaktshavare"]),
        ): context["behorigheter"]
        for context in await permitted(platform)
    }
    assert found == {
        (BERI, "PRIVAT", 1): [{"kod": "apply", "fullmakt": alone["id"]}],
        (BERI, "PRIVAT", 2): [{"kod": "follow", "fullmakt": together["id"]}],
        (BERI, "ORGANISATION", 1): [{"kod": "follow", "fullmakt": as_trader["id"]}],
        (COMPANY["value"], "ORGANISATION", 1): [{"kod": "apply", "fullmakt": of_company["id"]}],
    }
    narrowed = [
        ({"fullmaktsgivarroll": ["PRIVAT"]}, 2),
        ({"fullmaktsgivarroll": ["ORGANISATION", "PRIVAT"]}, 4),
        ({"behorigheter": ["follow"]}, 2),
        ({"behorigheter": ["unknown"]}, 0),
        ({"fullmaktsgivare": {"id": f"16{COMPANY['value']}", "typ": "orgnr"}}, 1),
        ({"fullmaktsgivare": {"id": "556192-9323", "typ": "orgnr", "namn": "TB"}}, 1),
        ({"fullmaktsgivare": {"id": HERMAN, "typ": "pnr"}}, 0),
        ({"tredjeman": f"16{platform.number[:6]}-{platform.number[6:]}"}, 4),
        ({"fullmaktsgivare": None, "page": None, "behorigheter": []}, 4),
    ]
    for filters, count in narrowed:
        assert len(await permitted(platform, **filters)) == count, filters
    pages = [
        await platform.itself.search_permissions(
            platform.question(PAUL, page={"page": page, "size": 3, "sort": "x"}), platform.id_token(PAUL)
        )
        for page in range(3)
    ]
    assert [len(page["kontext"]) for page in pages] == [3, 1, 0]
    assert pages[2]["page"] == {"size": 3, "number": 2, "totalElements": 4, "totalPages": 2}


async def test_what_this_holder_may_not_do_alone_is_left_out(platform: Platform) -> None:
    world, owner = platform.world, platform.organisation
    terms: list[tuple[Json, Json]] = [
        ({"exercise": {"together": 2}}, {"representatives": [person(PAUL), person(MARIA)]}),
        ({"exercise": {"approval": True}}, {}),
        ({"specifiers": ["property"]}, {"specifier": {"property": "STENSTADEN 1:3"}}),
        ({"kind": "consent"}, {}),
        ({"age_limits": {"principal_below": 13}}, {}),
        ({}, {"principal": {"scheme": "dk-cpr", "value": "2512489996", "name": "Nancy"}}),
    ]
    for template, mandate in terms:
        published = await world.publish_template(owner, **template)
        if "principal" in mandate:
            body = {"template": {"id": published["id"], "version": 1}, "permissions": ["apply"]}
            body |= mandate | {"representatives": [person(PAUL)], "language": "sv"}
            preview = (await owner.post("/v1/mandates/preview", body)).json()
            evidence = world.evidence("2512489996", preview["digest"], claim="cpr")
            times = {name: preview["content"][name] for name in ("valid_from", "valid_until")}
            signature = {"capacity": "principal", "method": "jws"}
            signature["evidence"] = {"format": "jws", "data": evidence}
            issued = await owner.post("/v1/mandates", body | times | {"signatures": [signature]})
            assert issued.status_code == 201, issued.text
        else:
            await world.issue(owner, published, **mandate)
    answer = await platform.itself.search_permissions(platform.question(PAUL), platform.id_token(PAUL))
    assert answer["kontext"] == []
    of_age = await world.publish_template(owner, age_limits={"representative_from": 18})
    await world.issue(owner, of_age)
    assert len((await permitted_any(platform))["kontext"]) == 1
    await impose(owner, subject=person(BERI), scope="all_representatives")
    assert (await permitted_any(platform))["kontext"] == []


async def permitted_any(platform: Platform) -> Json:
    return await platform.itself.search_permissions(platform.question(PAUL), platform.id_token(PAUL))


async def test_a_person_sees_itself_alone_and_others_learn_that_it_asked(platform: Platform) -> None:
    template = await platform.world.publish_template(platform.organisation)
    mandate = await platform.world.issue(platform.organisation, template)
    stranger = platform.id_token(HERMAN)
    assert (await platform.itself.search_permissions(platform.question(PAUL), stranger))["kontext"] == []
    listed = await platform.itself.search_mandates({"fullmaktsgivare": party(BERI)}, stranger)
    assert (listed["fullmakter"], listed["page"]["totalElements"]) == ([], 0)
    with pytest.raises(RefusedError) as refused:
        await platform.itself.get_mandate(platform.number, mandate["id"], stranger)
    assert refused.value.status == 404
    for number, operation in ((PAUL, "power_search"), (BERI, "mandate_search")):
        seen = await looked(platform, number)
        assert (seen["operation"], seen["mandate_ids"]) == (operation, [])
        assert seen["purpose"] == "test.service-1"
    (row,) = await platform.world.database.fetch_hot(
        "SELECT * FROM access_log WHERE client_id = $1 AND operation = 'power_search'",
        platform.organisation.client_id,
    )
    assert await details(platform.world, row) == {
        "call": "sok/behorigheter",
        "scope": "user:self",
        "service": "test.service-1",
        "purpose": "test.service-1",
        "asked": platform.question(PAUL),
        "third_party": {"scheme": "se-orgnr", "value": platform.number},
        "user": {"scheme": "se-pnr", "value": HERMAN},
        "found": [],
    }
    own = {"tredjeman": [platform.number], "fullmaktsgivare": party(BERI)}
    for number in (BERI, PAUL):
        body = own if number == BERI else own | {"fullmaktshavare": party(PAUL)}
        (item,) = (await platform.itself.search_mandates(body, platform.id_token(number)))["fullmakter"]
        assert item["id"] == mandate["id"]


async def test_a_case_handler_sees_its_own_third_party_and_is_named_in_the_log(platform: Platform) -> None:
    template = await platform.world.publish_template(platform.organisation)
    mandate = await platform.world.issue(platform.organisation, template)
    token = platform.id_token("200001152388", "casey")
    (context,) = (await platform.handler.search_permissions(platform.question(PAUL), token))["kontext"]
    assert context["behorigheter"][0]["fullmakt"] == mandate["id"]
    seen = await looked(platform, BERI)
    assert (seen["operation"], seen["mandate_ids"]) == ("power_search", [mandate["id"]])
    assert (seen["purpose"], seen["permissions"]) == ("test.service-1 (casey)", ["apply"])
    body = {"fullmaktshavare": party(PAUL), "tredjeman": [platform.number, "2120000829"]}
    answer = await platform.handler.search_mandates(body, platform.id_token(None, "casey"))
    assert [item["id"] for item in answer["fullmakter"]] == [mandate["id"]]
    assert answer["problem"]["2120000829"]["status"] == 403
    assert (await looked(platform, PAUL))["operation"] == "mandate_search"
    whole = await platform.handler.get_mandate(platform.number, mandate["id"], token)
    assert whole["fullmakt"]["id"] == mandate["id"]
    assert (await looked(platform, PAUL))["operation"] == "mandate"
    with pytest.raises(RefusedError, match="user:other") as refused:
        await platform.handler.search_permissions(platform.question(PAUL, tredjeman="2120000829"), token)
    assert refused.value.status == 403


async def test_a_grantor_is_not_told_what_others_have_granted(platform: Platform) -> None:
    """All of them find the look-up that showed them together, each with its own mandate alone."""
    world, owner = platform.world, platform.organisation
    template = await world.publish_template(owner)
    own = await world.issue(owner, template)
    await world.issue(owner, template, principal=person(HERMAN, "Herman"), permissions=["follow"])
    found = (await platform.machine.search_permissions(platform.question(PAUL)))["kontext"]
    assert len(found) == 2
    seen = await looked(platform, BERI)
    assert (seen["operation"], seen["mandate_ids"]) == ("power_search", [own["id"]])
    assert "follow" not in seen["permissions"]
    both = [person(PAUL, "Paul"), person(MARIA, "Maria")]
    other = await world.publish_template(owner)
    beside = await world.issue(owner, other, representatives=both, permissions=["follow"])
    question = platform.question(PAUL, fullmaktsgivare=party(BERI))
    assert len((await platform.machine.search_permissions(question))["kontext"]) == 2
    seen = await looked(platform, MARIA)
    assert seen["mandate_ids"] == [beside["id"]]
    assert "apply" not in seen["permissions"], "what Paul holds alone"


async def test_a_machine_asks_for_anybody_at_its_own_third_party(platform: Platform) -> None:
    template = await platform.world.publish_template(platform.organisation)
    mandate = await platform.world.issue(platform.organisation, template)
    (context,) = (await platform.machine.search_permissions(platform.question(PAUL)))["kontext"]
    (item,) = (await platform.machine.search_mandates({"fullmaktsgivare": party(BERI)}))["fullmakter"]
    assert context["behorigheter"][0]["fullmakt"] == item["id"] == mandate["id"]
    for call in (
        platform.machine.get_mandate("2120000829", mandate["id"]),
        platform.machine.search_permissions(platform.question(PAUL, tredjeman="2120000829")),
    ):
        with pytest.raises(RefusedError, match="user:any"):
            await call


async def test_a_client_limited_to_departments_sees_no_others(platform: Platform) -> None:
    world, owner = platform.world, platform.organisation
    await world.issue(owner, await world.publish_template(owner))
    seen = await world.issue(owner, await world.publish_template(owner, department="Skolan"))
    limited = await world.organisation(owner.party, departments=frozenset({"Skolan"}))
    platform.minaombud.clients[limited.client_id] = platform.minaombud.clients[owner.client_id]  # type: ignore[index]  # the tests' own
    platform.organisation = limited
    answer = await platform.machine.search_permissions(platform.question(PAUL))
    assert [item["behorigheter"][0]["fullmakt"] for item in answer["kontext"]] == [seen["id"]]


@pytest.mark.parametrize(
    ("scope", "claim", "typ"),
    [
        (UserScope.SELF, "https://claims.oidc.se/1.0/coordinationNumber", "samnr"),
        (UserScope.ANY, None, "pnr"),
    ],
)
async def test_a_coordination_number_is_known_by_its_day(
    platform: Platform, scope: UserScope, claim: str | None, typ: str
) -> None:
    template = await platform.world.publish_template(platform.organisation)
    holder = {"scheme": "se-samnr", "value": COORDINATION, "name": "Anna"}
    await platform.world.issue(platform.organisation, template, representatives=[holder])
    question = platform.question(fullmaktshavare={"id": f"{COORDINATION[:8]}-{COORDINATION[8:]}", "typ": typ})
    token = None if claim is None else platform.id_token(None, **{claim: COORDINATION})
    (context,) = (await platform.asks(scope).search_permissions(question, token))["kontext"]
    assert context["fullmaktshavare"] == [{"id": COORDINATION, "typ": "samnr", "namn": "Anna"}]


def party(number: str) -> Json:
    return {"id": number, "typ": "pnr"}


async def looked(platform: Platform, number: str) -> Json:
    """The newest look-up that this person finds, made by the platform's client."""
    client = platform.organisation
    token = platform.world.id_token(number, client.client_id)
    answer = await client.post("/v1/me/access-log", {"limit": 20}, Id_Token=token)
    items = [item for item in answer.json()["items"] if item["client_id"] == client.client_id]
    found: Json = next(item for item in items if item["operation"] != "own_access_log")
    return found
