"""A person's own overview: all it gave and holds, everywhere, in its language, with how to withdraw."""

from itertools import count
from typing import Any

import pytest

from acting import problem
from asking import ROOT, ask_for, sign_as
from delegating import grant_on, make_chain
from factories import BERI, Clock, Json, Organisation, World, mandate_body, person
from party_numbers import swedish
from registry.domain.template import best_language
from registry.signing.keys import KeyRing
from registry.storage.database import Database

TITLES = {"sv": "Ombud", "en": "Representative", "fi": "Asiamies"}
SERIALS = count(100)


@pytest.fixture
def me() -> str:
    """A person not yet born, whom no other test knows."""
    return nobody_known()


def nobody_known() -> str:
    return swedish(f"20910101{next(SERIALS)}")


async def overview(world: World, client: Organisation, number: str, **body: Any) -> Json:  # noqa: ANN401
    answer = await client.post("/v1/me/overview", body, Id_Token=world.id_token(number, client.client_id))
    assert answer.status_code == 200, answer.text
    document: Json = answer.json()
    return document


async def given(world: World, owner: Organisation, me: str, **template: Any) -> Json:  # noqa: ANN401
    version = await world.publish_template(owner, **template)
    return await world.issue(owner, version, principal=person(me, "Test"))


async def held(world: World, owner: Organisation, me: str, **template: Any) -> Json:  # noqa: ANN401
    version = await world.publish_template(owner, **template)
    return await world.issue(owner, version, representatives=[person(me, "Test")])


async def test_all_that_a_person_gave_and_holds_across_third_parties(world: World, me: str) -> None:
    one = await world.organisation(name="Sundsvalls kommun")
    other = await world.organisation(name="Karlskrona kommun")
    portal = await world.organisation(name="Portalen")
    mandates = [await given(world, one, me), await held(world, other, me), await given(world, other, me)]
    await world.issue(one, await world.publish_template(one))
    found = (await overview(world, portal, me))["mandates"]
    assert [item["id"] for item in found] == [mandate["id"] for mandate in reversed(mandates)]
    assert [item["role"] for item in found] == ["principal", "representative", "principal"]
    assert [item["third_party"]["name"] for item in found] == [
        "Karlskrona kommun",
        "Karlskrona kommun",
        "Sundsvalls kommun",
    ]
    assert found[0] == {
        "id": mandates[2]["id"],
        "role": "principal",
        "status": "active",
        "kind": "representation",
        "basis": "voluntary",
        "third_party": other.wire,
        "principal": person(me, "Test"),
        "representatives": mandates[2]["representatives"],
        "template": {
            "id": mandates[2]["template"]["id"],
            "version": 1,
            "language": "sv",
            "title": "Restaurangombud",
            "description": "Ombud som får hjälpa till med ansökningar.",
        },
        "permissions": [{"code": "apply", "title": "Ansöka", "description": None}],
        "specifier": {},
        "valid_from": mandates[2]["valid_from"],
        "valid_until": mandates[2]["valid_until"],
        "ending": None,
        "withdrawal": {
            "may_revoke": ["principal", "representative", "third_party", "registrar"],
            "revocation": f"/v1/mandates/{mandates[2]['id']}/revocation",
            "request": f"/v1/mandates/{mandates[2]['id']}/withdrawal-requests",
            "open_request": None,
        },
    }
    assert found[1]["withdrawal"]["request"] is None, "a representative renounces"


async def test_what_it_shows_a_person_does_through_any_client(
    world: World, municipality: Organisation, me: str
) -> None:
    """Neither the portal nor its organisation has a part in any of the mandates."""
    portal = await world.organisation(name="Portalen")
    for make in (given, held):
        await make(world, municipality, me)
    for item in (await overview(world, portal, me))["mandates"]:
        token = world.id_token(me, portal.client_id)
        done = await portal.post(item["withdrawal"]["revocation"], {"by": item["role"]}, Id_Token=token)
        assert done.status_code == 201, done.text
    found = (await overview(world, portal, me))["mandates"]
    assert [item["status"] for item in found] == ["revoked", "revoked"]
    assert [item["ending"]["type"] for item in found] == ["mandate.renounced", "mandate.revoked"]
    assert all(item["withdrawal"]["revocation"] is None for item in found)
    assert all(item["withdrawal"]["request"] is None for item in found)


async def test_what_waits_for_a_signature_stands_first(world: World, me: str) -> None:
    owner, portal = await world.organisation(), await world.organisation(name="Portalen")
    template = await world.publish_template(owner)
    body = mandate_body(template, principal=person(me, "Test"))
    waiting, declined, signed = [
        await ask_for(owner, body | {"external_ref": f"case {number}"}) for number in range(3)
    ]
    await ask_for(owner, mandate_body(template, representatives=[person(me, "Test")]))
    token = {"Id_Token": world.id_token(me, portal.client_id)}
    assert (await portal.post(f"{ROOT}/{declined['id']}/decline", {}, **token)).status_code == 201
    assert (await sign_as(world, portal, signed, me, **token)).json()["status"] == "issued"
    shown = await overview(world, portal, me, language="en")
    assert [mandate["role"] for mandate in shown["mandates"]] == ["principal"]
    (request,) = shown["requests"]
    assert (request["id"], request["capacity"], request["link"]) == (
        waiting["id"],
        "principal",
        waiting["link"],
    )
    assert request["template"]["title"] == "Restaurant representative"
    assert request["expires_at"] == waiting["expires_at"]
    later = await overview(world, portal, me, cursor=shown["mandates"][0]["id"])
    assert later == {"requests": [], "approvals": [], "mandates": [], "next": None}


async def test_where_only_asking_is_left_it_says_so(
    world: World, municipality: Organisation, me: str
) -> None:
    mandate = await given(world, municipality, me, may_revoke=["third_party"])
    (item,) = (await overview(world, municipality, me))["mandates"]
    assert item["withdrawal"]["revocation"] is None
    assert item["withdrawal"]["may_revoke"] == ["third_party"]
    token = world.id_token(me, municipality.client_id)
    body = {"by": "principal", "reason": "changed my mind"}
    asked = (await municipality.post(item["withdrawal"]["request"], body, Id_Token=token)).json()
    (item,) = (await overview(world, municipality, me))["mandates"]
    assert item["status"] == "active"
    assert item["withdrawal"]["request"] is None
    assert item["withdrawal"]["open_request"] == {"event_id": asked["event_id"], "at": asked["at"]}
    address = f"/v1/mandates/{mandate['id']}/withdrawal-requests/{asked['event_id']}"
    await municipality.post(f"{address}/refusal", {"reason": "a case is pending"})
    (item,) = (await overview(world, municipality, me))["mandates"]
    assert item["withdrawal"]["open_request"] is None
    assert item["withdrawal"]["request"] is not None


@pytest.mark.parametrize(
    ("wanted", "title", "permission", "language"),
    [
        ("fi", "Asiamies", "Ansöka", "fi"),
        ("fi-FI", "Asiamies", "Ansöka", "fi"),
        ("da", "Ombud", "Ansöka", "sv"),
        (None, "Ombud", "Ansöka", "sv"),
        ("en", "Representative", "Apply", "en"),
    ],
)
async def test_texts_come_in_the_persons_language_or_the_nearest(
    world: World, municipality: Organisation, wanted: str | None, title: str, permission: str, language: str
) -> None:
    me = nobody_known()
    texts = {"sv": "Ansöka", "en": "Apply"}
    offered = [{"code": "apply", "type": "sign", "title": texts}]
    await given(world, municipality, me, title=TITLES, description={}, permissions=offered)
    item = (await overview(world, municipality, me, language=wanted))["mandates"][0]
    assert (item["template"]["title"], item["template"]["language"]) == (title, language)
    assert item["template"]["description"] is None
    assert item["permissions"][0]["title"] == permission


def test_the_best_language_of_a_text() -> None:
    assert best_language({"sv": "", "en": ""}, ["fi", "sv"]) == "sv"
    assert best_language({"sv": "", "en": ""}, ["sv-FI"]) == "sv"
    assert best_language({"sv": "", "en": ""}, ["fi"]) == "en"
    assert best_language({"sv": "", "da": ""}, ["fi"]) == "da"
    assert best_language({}, ["sv"]) is None


async def test_pages_hold_each_mandate_once(world: World, municipality: Organisation, me: str) -> None:
    template = await world.publish_template(municipality)
    permissions = (["apply"], ["follow"], ["apply", "follow"])
    ids = []
    for number in range(6):
        side = "representatives" if number % 2 else "principal"
        named: Any = [person(me, "Test")] if number % 2 else person(me, "Test")
        changes = {side: named, "permissions": permissions[number // 2]}
        ids.append((await world.issue(municipality, template, **changes))["id"])
    found, cursor = [], None
    while True:
        page = await overview(world, municipality, me, limit=3, cursor=cursor)
        found += [item["id"] for item in page["mandates"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert found == ids[::-1]


async def test_every_status_is_shown_as_it_is_now(database: Database, keys: KeyRing, me: str) -> None:
    world = World(database, keys, clock=Clock())
    world.clock.advance()
    owner = await world.organisation()
    await given(world, owner, me)
    suspended = await held(world, owner, me)
    await owner.post(f"/v1/mandates/{suspended['id']}/suspension", {"reason": "audit"})
    found = (await overview(world, owner, me))["mandates"]
    assert [item["status"] for item in found] == ["suspended", "active"]
    assert found[0]["withdrawal"]["revocation"] is not None
    world.clock.advance(days=400)
    later = await world.organisation(owner.party)
    found = (await overview(world, later, me))["mandates"]
    assert [item["status"] for item in found] == ["expired", "expired"]
    assert [item["withdrawal"]["revocation"] for item in found] == [None, None]


async def test_a_sub_mandate_stands_as_the_one_above_it(
    world: World, municipality: Organisation, me: str
) -> None:
    (parent,) = await make_chain(world, municipality, 1)
    sub = await grant_on(world, municipality, parent, me)
    for act, status in (("suspension", "suspended"), ("resumption", "active"), ("revocation", "revoked")):
        body = {"reason": "audit"} | ({"by": "third_party"} if act == "revocation" else {})
        done = await municipality.post(f"/v1/mandates/{parent['id']}/{act}", body)
        assert done.status_code == 201, done.text
        (item,) = (await overview(world, municipality, me))["mandates"]
        assert (item["id"], item["role"], item["status"]) == (sub["id"], "representative", status)


async def test_the_look_is_logged_for_all_whom_it_shows(
    world: World, municipality: Organisation, me: str
) -> None:
    other = nobody_known()
    template = await world.publish_template(municipality)
    changes = {"principal": person(me, "Test"), "representatives": [person(other, "Test")]}
    mandate = await world.issue(municipality, template, **changes)
    await overview(world, municipality, me)
    token = world.id_token(other, municipality.client_id)
    log = (await municipality.post("/v1/me/access-log", {"limit": 1}, Id_Token=token)).json()["items"]
    assert (log[0]["operation"], log[0]["mandate_ids"]) == ("own_overview", [mandate["id"]])


async def test_nobody_is_shown_without_an_id_token(world: World, municipality: Organisation) -> None:
    assert problem(await municipality.post("/v1/me/overview")) == "403 forbidden"
    other = world.id_token(BERI, "another-client")
    refused = await municipality.post("/v1/me/overview", Id_Token=other)
    assert refused.status_code in {401, 403}
    nobody = swedish("20930101100")
    assert await overview(world, municipality, nobody) == {
        "requests": [],
        "approvals": [],
        "mandates": [],
        "next": None,
    }
