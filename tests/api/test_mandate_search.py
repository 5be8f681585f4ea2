"""Searching mandates: by any party and every other member, by status and time, page by page."""

from datetime import UTC, datetime, timedelta
from typing import Any

from uuid_utils.compat import uuid7

from factories import BERI, MARIA, PAUL, PETRONELLA, Clock, Organisation, World, person
from problem_documents import assert_problem
from registry.signing.keys import KeyRing
from registry.storage.database import Database

Json = dict[str, Any]


async def found(reader: Organisation, **search: Any) -> list[str]:  # noqa: ANN401
    response = await reader.post("/v1/mandates/search", {"limit": 100} | search)
    assert response.status_code == 200, response.text
    return [item["id"] for item in response.json()["items"]]


async def test_search_finds_by_every_member_and_all_together(
    world: World, municipality: Organisation
) -> None:
    first = await world.publish_template(municipality)
    second = await world.publish_template(municipality, kind="consent")
    mandates = [
        await world.issue(municipality, first),
        await world.issue(municipality, first, principal=person(MARIA, "Maria Test")),
        await world.issue(municipality, first, representatives=[person(PETRONELLA, "Petronella Test")]),
        await world.issue(municipality, second, permissions=["follow"]),
    ]
    ids = [mandate["id"] for mandate in mandates]
    mine = {"scheme": "se-orgnr", "value": municipality.party.value}
    cases: list[tuple[Json, list[int]]] = [
        ({}, [0, 1, 2, 3]),
        ({"third_party": mine}, [0, 1, 2, 3]),
        ({"principal": person(BERI, None)}, [0, 2, 3]),
        ({"principal": person("19860226-2381", None)}, [0, 2, 3]),
        ({"principal": person(PAUL, None)}, []),
        ({"representative": person(PAUL, None)}, [0, 1, 3]),
        ({"representative": person(PETRONELLA, "Any Name")}, [2]),
        ({"principal": person(BERI, None), "representative": person(PAUL, None)}, [0, 3]),
        ({"template_id": first["id"]}, [0, 1, 2]),
        ({"template_id": str(uuid7())}, []),
        ({"permission": "follow"}, [3]),
        ({"kind": "consent"}, [3]),
        ({"status": "active"}, [0, 1, 2, 3]),
        ({"status": "expired"}, []),
        ({"valid_at": "2020-01-01T00:00:00Z"}, []),
        ({"principal": person(BERI, None), "kind": "representation", "template_id": first["id"]}, [0, 2]),
        ({"third_party": {"scheme": "se-orgnr", "value": "2120002411"}}, []),
    ]
    for search, expected in cases:
        assert await found(municipality, **search) == [ids[number] for number in expected], search
    items = (await municipality.post("/v1/mandates/search", {})).json()["items"]
    assert [item | {"consistency_token": None, "also_ended": []} for item in items] == [
        mandate | {"consistency_token": None} for mandate in mandates
    ]


async def test_search_goes_page_by_page(world: World, municipality: Organisation) -> None:
    templates = [await world.publish_template(municipality) for _ in range(5)]
    ids = [(await world.issue(municipality, template))["id"] for template in templates]
    cursor: str | None = None
    seen: list[str] = []
    sizes: list[int] = []
    while cursor or not sizes:
        page = (await municipality.post("/v1/mandates/search", {"limit": 2, "cursor": cursor})).json()
        seen += [item["id"] for item in page["items"]]
        sizes.append(len(page["items"]))
        cursor = page["next"]
    assert (seen, sizes) == (ids, [2, 2, 1])
    assert (await municipality.post("/v1/mandates/search", {})).json()["next"] is None


async def test_search_by_status_and_time_agrees_with_the_mandates(database: Database, keys: KeyRing) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    world = World(database, keys, clock=Clock(now))
    early = await world.organisation()
    days = {day: (now + timedelta(days=day)).isoformat() for day in (0, 1, 5, 30)}
    periods = {
        "active": (0, 30),
        "not_yet_valid": (5, 30),
        "expired": (0, 1),
        "suspended": (0, 30),
        "used_up": (0, 30),
        "revoked": (0, 30),
    }
    ids = {}
    for status, (start, end) in periods.items():
        limits = {"together": 1, "approval": False, "max_uses": 1}
        template = await world.publish_template(early, exercise=limits)
        issued = await world.issue(early, template, valid_from=days[start], valid_until=days[end])
        ids[status] = issued["id"]
    world.clock.advance(days=2)
    owner = await world.organisation(early.party)
    acts = {
        "suspended": ("suspension", {"reason": "checked"}),
        "used_up": ("uses", {"permission": "apply", "case_ref": "1", "by": person(PAUL, None)}),
        "revoked": ("revocation", {"by": "third_party", "reason": "closed"}),
    }
    for status, (act, body) in acts.items():
        assert (await owner.post(f"/v1/mandates/{ids[status]}/{act}", body)).status_code == 201
    for status, mandate_id in ids.items():
        assert await found(owner, status=status) == [mandate_id]
        assert (await owner.get(f"/v1/mandates/{mandate_id}")).json()["status"] == status
    asked = await owner.post("/v1/mandates/status", {"ids": list(ids.values())})
    assert [item["status"] for item in asked.json()["items"]] == list(ids)

    world.clock.advance(days=40)
    late = await world.organisation(early.party)
    assert await found(late, status="revoked") == [ids["revoked"]]
    assert await found(late, status="expired") == [i for i in ids.values() if i != ids["revoked"]]
    world.clock.advance(days=-40)

    def valid_at(day: float) -> Json:
        return {"valid_at": (now + timedelta(days=day)).isoformat()}

    everything = [mandate_id for status, mandate_id in ids.items() if status != "not_yet_valid"]
    assert await found(owner, **valid_at(-0.001)) == []
    assert await found(owner, **valid_at(0)) == everything
    assert await found(owner, **valid_at(1)) == [i for i in everything if i != ids["expired"]]
    later = {ids[status] for status in ("active", "not_yet_valid", "suspended")}
    assert set(await found(owner, **valid_at(5))) == later
    assert await found(owner, **valid_at(30)) == []


async def test_every_fault_of_a_search_is_named(municipality: Organisation) -> None:
    response = await municipality.post(
        "/v1/mandates/search",
        {
            "principal": {"scheme": "se-pnr", "value": "198602262382"},
            "representative": {"scheme": "pnr", "value": BERI},
            "third_party": "se-orgnr:2120002411",
            "template_id": "x",
            "permission": "no spaces please",
            "kind": "mandate",
            "status": "valid",
            "valid_at": "today",
            "limit": "20",
            "cursor": 5,
            "offset": 0,
        },
    )
    assert_problem(
        response,
        422,
        "invalid-input",
        "/principal/value",
        "/representative/scheme",
        "/third_party",
        "/template_id",
        "/permission",
        "/kind",
        "/status",
        "/valid_at",
        "/limit",
        "/cursor",
        "/offset",
    )
