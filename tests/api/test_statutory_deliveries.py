"""Statutory deliveries: an authority's own mandates under its own key, replaced as a whole, once."""

from typing import Any

import httpx
import pytest
from uuid_utils.compat import uuid7

from acting import canonical, count_rows, decision, faults, problem, sha256_text, verified, without
from delegating import grant_on
from factories import BERI, HERMAN, MARIA, PETRONELLA, Clock, Json, Organisation, World, person
from party_numbers import swedish
from registry.domain.callers import Scope
from registry.domain.documents import utc_time
from registry.signing.encryption import decrypt
from registry.signing.keys import KeyRing
from registry.storage.database import Database
from registry.storage.mandate_records import evidence_place
from registry.storage.secrets import get_secret

CHILD = swedish("20900101100")
GUARDIAN: Json = {
    "signing": {"by": "authority"},
    "principal_types": ["person"],
    "representative_types": ["person"],
    "validity": {"default_days": 365, "max_days": 1825, "open_ended": True},
    "age_limits": {"principal_below": 13, "representative_from": 18},
}


@pytest.fixture
async def template(world: World, municipality: Organisation) -> Json:
    return await world.publish_template(municipality, **GUARDIAN)


def item(template: Json, principal: str = CHILD, guardian: str = PETRONELLA, **changes: Any) -> Json:  # noqa: ANN401
    return {
        "template": {"id": template["id"], "version": template["version"]},
        "principal": person(principal, "Test"),
        "representatives": [person(guardian, "Test")],
        "permissions": ["follow"],
        "valid_from": "2026-01-01T00:00:00Z",
        "valid_until": None,
        "language": "sv",
    } | changes


async def put(
    client: Organisation, *items: Json, key: str = "household-1", source: str = "register"
) -> httpx.Response:
    return await client.http.put(f"/v1/statutory-deliveries/{source}/{key}", json={"mandates": list(items)})


async def delivered(client: Organisation, *items: Json, **under: str) -> Json:
    answer = await put(client, *items, **under)
    assert answer.status_code == 200, answer.text
    document: Json = answer.json()
    return document


IN_CHILDHOOD = "2100-06-01T12:00:00Z"


async def asked(client: Organisation, principal: str, guardian: str, **changes: Any) -> str:  # noqa: ANN401
    parties = {"principal": person(principal, None), "representative": person(guardian, None)}
    return await decision(client, **parties, permissions=["follow"], **({"at": IN_CHILDHOOD} | changes))


async def test_a_guardian_represents_a_child_until_it_is_thirteen(database: Database, keys: KeyRing) -> None:
    """From the register's delivery to the questions of a care service, as the child grows up."""
    world = World(database, keys, clock=Clock(utc_time(IN_CHILDHOOD)))
    owner = await world.organisation()
    template = await world.publish_template(owner, **GUARDIAN)
    told = await delivered(owner, item(template), item(template, guardian=HERMAN))
    assert [mandate["is_new"] for mandate in told["mandates"]] == [True, True]
    for guardian in (PETRONELLA, HERMAN):
        assert await asked(owner, CHILD, guardian, at=None) == "permit"
        assert await asked(owner, CHILD, guardian, at="2102-12-31T22:59:59Z") == "permit"
        assert await asked(owner, CHILD, guardian, at="2102-12-31T23:00:00Z") == "deny: age_limit"
    assert await asked(owner, CHILD, MARIA) == "deny: no_mandate"
    search = {"representative": person(HERMAN, None)}
    found = (await owner.post("/v1/representations/search", search)).json()["items"]
    assert [(one["principal"]["value"], one["via"]) for one in found] == [(CHILD, "statutory")]
    only = await delivered(owner, item(template))
    assert only["ended"] == [told["mandates"][1]["id"]]
    assert await asked(owner, CHILD, PETRONELLA, at=None) == "permit"
    assert await asked(owner, CHILD, HERMAN, at=None) == "deny: revoked"


async def test_the_same_delivery_changes_nothing(
    world: World, municipality: Organisation, template: Json
) -> None:
    items = [item(template, guardian=number) for number in (PETRONELLA, HERMAN, MARIA)]
    first = await delivered(municipality, *items)
    before = await count_rows(world)
    again = await delivered(municipality, *items)
    assert [mandate["id"] for mandate in again["mandates"]] == [
        mandate["id"] for mandate in first["mandates"]
    ]
    assert {mandate["is_new"] for mandate in again["mandates"]} == {False}
    assert (again["ended"], again["delivered_at"]) == ([], first["delivered_at"])
    assert await count_rows(world) == before


async def test_what_is_gone_ends_what_is_new_is_issued_and_the_rest_stays(
    municipality: Organisation, template: Json
) -> None:
    stays, goes = item(template), item(template, guardian=HERMAN)
    first = await delivered(municipality, stays, goes)
    ids = [mandate["id"] for mandate in first["mandates"]]
    second = await delivered(municipality, item(template, guardian=MARIA), stays)
    assert [mandate["is_new"] for mandate in second["mandates"]] == [True, False]
    assert second["mandates"][1]["id"] == ids[0]
    assert second["ended"] == [ids[1]]
    assert second["delivered_at"] > first["delivered_at"]
    events = (await municipality.get(f"/v1/mandates/{ids[1]}/events")).json()["items"]
    assert [(event["type"], event["reason"]) for event in events] == [
        ("mandate.issued", None),
        ("mandate.revoked", "replaced by delivery"),
    ]
    assert events[1]["by"]["role"] == "third_party"
    assert events[1]["details"] == {"delivery": {"source": "register", "key": "household-1"}}
    assert len((await municipality.get(f"/v1/mandates/{ids[0]}/events")).json()["items"]) == 1
    third = await delivered(municipality, stays, goes)
    assert third["mandates"][1]["is_new"], "what has ended begins anew"
    assert await asked(municipality, CHILD, HERMAN) == "permit"
    empty = await delivered(municipality)
    assert (empty["mandates"], len(empty["ended"])) == ([], 2)
    assert await asked(municipality, CHILD, PETRONELLA) == "deny: revoked"
    assert (await delivered(municipality))["ended"] == []


async def test_changed_terms_replace_between_the_same_parties(
    municipality: Organisation, template: Json
) -> None:
    first = await delivered(municipality, item(template))
    second = await delivered(municipality, item(template, external_ref="decision 2026-7", basis="court"))
    assert second["ended"] == [first["mandates"][0]["id"]]
    mandate = (await municipality.get(f"/v1/mandates/{second['mandates'][0]['id']}")).json()
    assert (mandate["basis"], mandate["external_ref"]) == ("court", "decision 2026-7")
    assert await asked(municipality, CHILD, PETRONELLA) == "permit"


async def test_what_was_delivered_is_the_evidence(
    world: World, municipality: Organisation, template: Json
) -> None:
    sent = item(template)
    told = await delivered(municipality, sent)
    mandate_id = told["mandates"][0]["id"]
    sealed = await municipality.get(f"/v1/mandates/{mandate_id}/record")
    record = await verified(world, sealed.text, "mandate-record+jwt")
    evidence = canonical(
        {
            "schema": "statutory-delivery/1",
            "source": "register",
            "key": "household-1",
            "mandate": sent,
        }
    )
    (signature,) = record["signatures"]
    assert (signature["capacity"], signature["method"]) == ("authority", "registered")
    assert signature["signer"] == municipality.wire
    assert signature["evidence"] == {"format": "statement", "digest": sha256_text(evidence)}
    assert record["content"]["basis"] == "statutory"
    rows = await world.database.fetch_hot(
        "SELECT mandate_id, ciphertext FROM mandate_evidence WHERE mandate_id = $1", mandate_id
    )
    async with world.database.reading() as session:
        secret = await get_secret(session, world.keys, rows[0]["mandate_id"])
    assert secret is not None
    assert (
        decrypt(secret.data_key, rows[0]["ciphertext"], evidence_place(rows[0]["mandate_id"], 0)) == evidence
    )


async def test_keys_sources_and_organisations_are_apart(
    world: World, municipality: Organisation, template: Json
) -> None:
    await delivered(municipality, item(template))
    await delivered(municipality, item(template, guardian=HERMAN), key="household-2")
    await delivered(municipality, item(template, guardian=MARIA), source="court")
    other = await world.organisation(name="Karlskrona kommun")
    await delivered(other)
    assert (await delivered(municipality, key="household-2"))["ended"] != []
    assert await asked(municipality, CHILD, PETRONELLA) == "permit"
    assert await asked(municipality, CHILD, HERMAN) == "deny: revoked"
    assert await asked(municipality, CHILD, MARIA) == "permit"


async def test_what_was_ended_otherwise_stays_ended(municipality: Organisation, template: Json) -> None:
    told = await delivered(municipality, item(template))
    mandate_id = told["mandates"][0]["id"]
    ended = await municipality.post(
        f"/v1/mandates/{mandate_id}/revocation", {"by": "third_party", "reason": "custody was taken away"}
    )
    assert ended.status_code == 201
    again = await delivered(municipality, item(template))
    assert again["mandates"] == [{"id": mandate_id, "is_new": False, "status": "revoked"}]
    beside = await delivered(municipality, item(template), item(template, guardian=HERMAN))
    assert [(one["is_new"], one["status"]) for one in beside["mandates"]] == [
        (False, "revoked"),
        (True, "active"),
    ]
    anew = await delivered(municipality, item(template, external_ref="decision 2027-3"))
    assert [(one["is_new"], one["status"]) for one in anew["mandates"]] == [(True, "active")]
    assert await asked(municipality, CHILD, PETRONELLA) == "permit"
    assert (await delivered(municipality))["ended"] == [anew["mandates"][0]["id"]]


async def test_every_fault_is_told_with_its_place_and_nothing_is_written(
    world: World, municipality: Organisation, template: Json
) -> None:
    voluntary = await world.publish_template(municipality)
    before = await count_rows(world)
    answer = await put(
        municipality,
        item(template),
        item(template, permissions=["unheard-of"], guardian=HERMAN),
        item(voluntary),
        item({"id": str(uuid7()), "version": 1}),
        item(template, guardian=MARIA, valid_until="2020-01-01T00:00:00Z"),
        item(template, external_ref="the same at the same time"),
        item(template, guardian=HERMAN, basis="voluntary", permissions=["apply"]),
    )
    assert faults(answer) == {
        ("/mandates/1/permissions", "unknown_permission"),
        ("/mandates/2/template", "not_statutory"),
        ("/mandates/2/valid_until", "end_required"),
        ("/mandates/3/template", "unknown_template"),
        ("/mandates/4/valid_until", "reversed"),
        ("/mandates/5", "overlaps"),
        ("/mandates/6/basis", "basis_mismatch"),
    }
    assert faults(await put(municipality, item(template), item(template))) == {("/mandates/1", "repeated")}
    for member in ("signatures", "parent", "supersedes"):
        refused = await put(municipality, item(template) | {member: None})
        assert faults(refused) == {(f"/mandates/0/{member}", "extra_forbidden")}
    assert await count_rows(world) == before


async def test_what_is_in_force_outside_the_delivery_stands_in_the_way(
    municipality: Organisation, template: Json
) -> None:
    told = await delivered(municipality, item(template))
    conflict = await put(municipality, item(template, guardian=HERMAN), item(template), key="household-2")
    assert problem(conflict) == "409 already-in-force"
    assert conflict.json()["mandate_id"] == told["mandates"][0]["id"]
    assert await asked(municipality, CHILD, HERMAN) == "deny: no_mandate", "nothing of it was issued"
    moved = await delivered(municipality)
    assert len(moved["ended"]) == 1
    assert len((await delivered(municipality, item(template), key="household-2"))["mandates"]) == 1


async def test_only_the_third_party_and_its_department_deliver(
    world: World, municipality: Organisation, template: Json
) -> None:
    stranger = await world.organisation(name="Karlskrona kommun")
    assert problem(await put(stranger, item(template))) == "403 forbidden"
    unable = await world.organisation(municipality.party, without=without(Scope.MANDATES_ISSUE))
    assert problem(await put(unable, item(template))) == "403 missing-scope"
    await delivered(municipality, item(template))
    limited = await world.organisation(municipality.party, departments=frozenset({"Skola"}))
    assert problem(await put(limited)) == "403 forbidden"
    assert problem(await put(limited, item(template), key="own")) == "403 forbidden"
    assert await asked(municipality, CHILD, PETRONELLA) == "permit"


@pytest.mark.parametrize("number", [BERI, "8602262381", "860226-2381"])
async def test_no_persons_number_is_a_key(municipality: Organisation, template: Json, number: str) -> None:
    for under, place in (({"key": number}, "path:key"), ({"source": number}, "path:source")):
        answer = await put(municipality, item(template), **under)
        assert faults(answer) == {(place, "personal_identifier")}
        assert number not in answer.text


@pytest.mark.parametrize("name", ["a b", "å", "-1", "x" * 101, "a,b", "%7B1%7D"])
async def test_sources_and_keys_are_codes(municipality: Organisation, template: Json, name: str) -> None:
    for under, place in (({"key": name}, "path:key"), ({"source": name}, "path:source")):
        assert faults(await put(municipality, item(template), **under)) == {
            (place, "string_pattern_mismatch")
        }


async def test_a_thousand_are_delivered_at_once_and_one_more_is_too_many(
    world: World, municipality: Organisation
) -> None:
    template = await world.publish_template(municipality, **GUARDIAN)
    items = [
        item(template, swedish(f"209{place // 100}0101{place % 100 + 100:03}"), external_ref=f"{place}")
        for place in range(1000)
    ]
    told = await delivered(municipality, *items)
    assert len(told["mandates"]) == 1000
    again = await delivered(municipality, *items[:-1])
    assert again["ended"] == [told["mandates"][-1]["id"]]
    assert faults(await put(municipality, *items, items[0])) == {("/mandates", "too_long")}


async def test_what_hangs_below_ends_with_what_is_delivered_no_more(
    world: World, municipality: Organisation
) -> None:
    template = await world.publish_template(
        municipality, **(GUARDIAN | {"age_limits": {}, "delegation": {"max_depth": 1}})
    )
    told = await delivered(municipality, item(template))
    parent = (await municipality.get(f"/v1/mandates/{told['mandates'][0]['id']}")).json()
    leaf = await grant_on(world, municipality, parent, HERMAN, by=[PETRONELLA])
    assert await asked(municipality, CHILD, HERMAN, at=None) == "permit"
    await delivered(municipality)
    assert await asked(municipality, CHILD, HERMAN, at=None) == "deny: revoked"
    statuses = await municipality.post("/v1/mandates/status", {"ids": [leaf["id"]]})
    assert statuses.json()["items"][0]["status"] == "revoked"
