"""The event feed: every act tells those it concerns, once, in order, and nobody else."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from acting import problem
from asking import ROOT, ask_for, sign_as
from conftest import CloneDatabase, opened, run_sql
from delegating import grant_on
from factories import BERI, HERMAN, MARIA, PAUL, Clock, Json, Organisation, World, mandate_body, person
from fsck_population import START
from registry.domain.notices import DETAILS, FeedEventType
from registry.domain.parties import Party, Scheme
from registry.operations.lapse_requests import lapse_requests
from registry.signing.keys import KeyRing
from telling import done, end_of, matter, read_feed, read_page, tell, types_of

TERMS = {
    "notify": {"issued": ["principal"], "used": ["representative"], "ended": ["principal", "representative"]},
    "expiry_warning_days": [30],
    "specifiers": ["property"],
    "delegation": {"max_depth": 1},
}
COMPANY = Party(Scheme.SE_ORGNR, "5561929323")
REASON = {"reason": "as decided"}


@dataclass
class Told:
    """One life of everything there is to tell of, and what its third party read of it."""

    url: str
    world: World
    owner: Organisation
    ids: dict[str, str]
    events: list[Json]

    def of(self, event_type: str) -> list[Json]:
        return [event for event in self.events if event["type"] == event_type]

    def one(self, event_type: str) -> Json:
        (event,) = self.of(event_type)
        return event


@pytest.fixture(scope="module")
async def told(clone_database: CloneDatabase, keys: KeyRing) -> AsyncIterator[Told]:
    """Every act once, on a database of its own whose clock goes a year ahead at the end."""
    url = await clone_database()
    async with opened(url) as database:
        world = World(database, keys, Clock(START))
        owner = await world.organisation()
        ids: dict[str, str] = {}
        await _act_on_mandates(world, owner, ids)
        await _act_on_requests(world, owner, ids)
        await _act_on_matters(owner, world, ids)
        world.clock.advance(days=340)
        await tell(world)
        world.clock.advance(days=30)
        await tell(world)
        reader = await world.organisation(owner.party)
        yield Told(url, world, reader, ids, await read_feed(reader, limit=7))


async def _act_on_mandates(world: World, owner: Organisation, ids: dict[str, str]) -> None:
    template = await world.publish_template(owner, **TERMS)
    ids["template"] = template["id"]
    root = await world.issue(owner, template, specifier={"property": "1:1"})
    sub = await grant_on(world, owner, root, MARIA)
    ids |= {"root": root["id"], "sub": sub["id"]}
    for act in ("suspension", "resumption"):
        await done(owner, f"/v1/mandates/{sub['id']}/{act}", REASON)
    used = await done(owner, f"/v1/mandates/{sub['id']}/uses", _use("2026-17", MARIA))
    ids["use"] = used["id"]
    await done(owner, f"/v1/mandates/{root['id']}/revocation", {"by": "third_party"} | REASON)
    held = await world.issue(owner, template, specifier={"property": "1:2"})
    token = {"Id_Token": world.id_token(BERI, owner.client_id)}
    address = f"/v1/mandates/{held['id']}/withdrawal-requests"
    asked = await done(owner, address, {"by": "principal"} | REASON, **token)
    ids |= {"held": held["id"], "withdrawal": asked["event_id"]}
    await done(owner, f"{address}/{asked['event_id']}/refusal", REASON)
    token = {"Id_Token": world.id_token(PAUL, owner.client_id)}
    await done(owner, f"/v1/mandates/{held['id']}/revocation", {"by": "representative"}, **token)
    old = await world.issue(owner, template, specifier={"property": "1:3"})
    world.clock.advance(minutes=1)
    new = await world.issue(owner, template, specifier={"property": "1:3"}, supersedes=old["id"])
    ids |= {"old": old["id"], "new": new["id"]}
    once = await world.publish_template(owner, exercise={"max_uses": 1}, **TERMS)
    spent = await world.issue(owner, once)
    await done(owner, f"/v1/mandates/{spent['id']}/uses", _use("2026-18", PAUL))
    await done(owner, f"/v1/templates/{once['id']}/retirement", {})
    ids["spent"] = spent["id"]


async def _act_on_requests(world: World, owner: Organisation, ids: dict[str, str]) -> None:
    template = await world.publish_template(owner)
    for ending in ("signatures", "decline", "cancellation", "lapsed"):
        body = mandate_body(template, external_ref=ending)
        request = await ask_for(owner, body | ({"expires_in_days": 1} if ending == "lapsed" else {}))
        ids[ending] = request["id"]
        if ending == "signatures":
            signed = await sign_as(world, owner, request, BERI)
            ids["from_request"] = signed.json()["mandate_id"]
        elif ending != "lapsed":
            token = {"Id_Token": world.id_token(BERI, owner.client_id)} if ending == "decline" else {}
            await done(owner, f"{ROOT}/{request['id']}/{ending}", {}, **token)
    world.clock.advance(days=2)
    await lapse_requests(world.database, world.keys, now=world.clock())
    await lapse_requests(world.database, world.keys, now=world.clock())
    world.clock.advance(days=-2)


async def _act_on_matters(owner: Organisation, world: World, ids: dict[str, str]) -> None:
    restriction = {"subject": person(HERMAN, None), "scope": "own_login", "third_party": owner.wire} | REASON
    ids["restriction"] = (await done(owner, "/v1/restrictions", restriction))["id"]
    await done(owner, f"/v1/restrictions/{ids['restriction']}/lifting", REASON)
    ids["approval"] = (await done(owner, "/v1/approvals", matter(person(PAUL, None))))["id"]
    token = {"Id_Token": world.id_token(PAUL, owner.client_id)}
    await done(owner, f"/v1/approvals/{ids['approval']}/decision", {"decision": "declined"}, **token)


def _use(case: str, by: str) -> Json:
    return {"permission": "apply", "case_ref": case, "by": person(by, None)}


def test_every_type_is_told_by_its_act(told: Told) -> None:
    """All but those that tell of webhook endpoints."""
    wanted = set(FeedEventType) - {FeedEventType.ENDPOINT_DISABLED, FeedEventType.DELIVERY_EXHAUSTED}
    assert {event["type"] for event in told.events} == {event_type.value for event_type in wanted}
    for event in told.events:
        assert event["details"].keys() == DETAILS[FeedEventType(event["type"])]
        assert f"{event['type'].partition('.')[0]}_id" in event


def test_the_sequence_has_no_holes_and_nothing_comes_twice(told: Told) -> None:
    assert [event["sequence"] for event in told.events] == list(range(1, len(told.events) + 1))
    assert len({event["id"] for event in told.events}) == len(told.events)


def test_events_name_what_they_are_about_in_order(told: Told) -> None:
    ids = told.ids
    lives = {
        name: types_of([event for event in told.events if event.get("mandate_id") == ids[name]])
        for name in ("root", "sub", "held", "old", "new", "spent")
    }
    assert lives == {
        "root": ["mandate.issued", "mandate.revoked"],
        "sub": [
            "mandate.issued",
            "mandate.suspended",
            "mandate.resumed",
            "mandate.used",
            "mandate.revoked",
        ],
        "held": [
            "mandate.issued",
            "mandate.withdrawal_requested",
            "mandate.withdrawal_refused",
            "mandate.renounced",
        ],
        "old": ["mandate.issued", "mandate.superseded"],
        "new": ["mandate.issued", "mandate.expiring", "mandate.expired"],
        "spent": ["mandate.issued", "mandate.used", "mandate.used_up"],
    }
    for name, ending in (("decline", "declined"), ("cancellation", "cancelled"), ("lapsed", "lapsed")):
        of_request = [event for event in told.events if event.get("request_id") == ids[name]]
        assert types_of(of_request) == ["request.created", f"request.{ending}"]


def test_details_say_what_belongs_to_the_type(told: Told) -> None:
    ids = told.ids
    revoked = {event["mandate_id"]: event["details"] for event in told.of("mandate.revoked")}
    assert revoked == {
        ids["root"]: {"by": "third_party", "because_of": None},
        ids["sub"]: {"by": "third_party", "because_of": ids["root"]},
    }
    assert told.one("mandate.superseded")["details"] == {"superseded_by": ids["new"]}
    used = told.of("mandate.used")[0]
    assert used["details"] == {"use_id": ids["use"], "permission": "apply", "remaining": None}
    assert told.of("mandate.used")[1]["details"]["remaining"] == 0
    asked = told.one("mandate.withdrawal_requested")
    assert asked["details"] == {"withdrawal_request_id": ids["withdrawal"], "by": "principal"}
    assert told.one("mandate.withdrawal_refused")["details"] == {"withdrawal_request_id": ids["withdrawal"]}
    signed = told.one("request.signed")
    assert signed["request_id"] == ids["signatures"]
    assert signed["details"] == {"status": "issued", "mandate_id": ids["from_request"]}
    issued = {event["mandate_id"]: event["details"]["request_id"] for event in told.of("mandate.issued")}
    assert issued.pop(ids["from_request"]) == ids["signatures"]
    assert set(issued.values()) == {None}
    assert told.one("approval.decided")["details"] == {"decision": "declined"}
    expiring = next(event for event in told.of("mandate.expiring") if event["mandate_id"] == ids["new"])
    assert expiring["details"]["days"] == 30


def test_the_templates_rules_travel_with_the_event(told: Told) -> None:
    of_terms = [event for event in told.events if event["template_id"] == told.ids["template"]]
    notified = {event["type"]: event["notify"] for event in of_terms}
    both = ["principal", "representative"]
    assert notified == {
        "template.published": [],
        "mandate.issued": ["principal"],
        "mandate.used": ["representative"],
        "mandate.suspended": [],
        "mandate.resumed": [],
        "mandate.withdrawal_requested": [],
        "mandate.withdrawal_refused": [],
        **dict.fromkeys(("mandate.revoked", "mandate.renounced", "mandate.superseded"), both),
        **dict.fromkeys(("mandate.expiring", "mandate.expired"), both),
    }
    assert {tuple(event["services"]) for event in of_terms} == {("oep-serveringstillstand",)}
    assert {event["template_version"] for event in of_terms} == {1}


def test_an_event_has_the_id_of_the_sealed_one(told: Told) -> None:
    assert told.of("mandate.used")[0]["id"] == told.ids["use"]
    assert told.one("mandate.withdrawal_requested")["id"] == told.ids["withdrawal"]
    assert told.of("mandate.issued")[0]["id"] == told.ids["root"]


def test_what_ends_a_mandate_names_the_open_cases(told: Told) -> None:
    named = {
        (event["type"], event["mandate_id"]): event["open_cases"]
        for event in told.events
        if event["open_cases"]
    }
    spent = told.of("mandate.used")[1]["id"]
    assert named == {
        ("mandate.revoked", told.ids["sub"]): [{"use_id": told.ids["use"], "case_ref": "2026-17"}],
        ("mandate.used_up", told.ids["spent"]): [{"use_id": spent, "case_ref": "2026-18"}],
    }


async def test_types_are_filtered_and_the_cursor_goes_on(told: Told) -> None:
    wanted = "request.declined,mandate.renounced"
    found = await read_feed(told.owner, types=wanted, limit=1)
    assert sorted(types_of(found)) == sorted(wanted.split(","))
    page = await read_page(told.owner, types="endpoint.disabled")
    assert page["items"] == []
    assert page["next"] == await end_of(told.owner)
    again = await read_page(told.owner, page["next"], types="endpoint.disabled")
    assert again == page


async def test_no_event_names_a_person(told: Told) -> None:
    shown = (await told.owner.get("/v1/events", limit=100)).text
    rows = await told.world.database.fetch_hot("SELECT f::text AS row FROM feed_events f")
    for text in (shown, *(row["row"] for row in rows)):
        assert not any(number in text for number in (BERI, PAUL, MARIA, HERMAN, "2026-19"))
    assert "2026-17" not in "".join(row["row"] for row in rows)


async def test_a_replay_and_a_refused_act_tell_nothing(told: Told) -> None:
    world, owner = told.world, await told.world.organisation()
    template = await world.publish_template(owner)
    signed = await world.sign(owner, mandate_body(template), BERI)
    for _ in range(2):
        assert (await owner.post("/v1/mandates", signed, Idempotency_Key="one")).status_code == 201
    assert (await owner.post("/v1/mandates", signed)).status_code == 409
    await owner.post(f"/v1/templates/{template['id']}/versions/1/publication")
    await tell(world)
    assert types_of(await read_feed(owner)) == ["template.published", "mandate.issued"]


async def test_an_act_whose_commit_fails_tells_nothing(told: Told) -> None:
    world, owner = told.world, await told.world.organisation()
    template = await world.publish_template(owner)
    signed = await world.sign(owner, mandate_body(template), BERI)
    await run_sql(
        told.url,
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE 'refused at COMMIT' USING ERRCODE = '53100'; END $$",
        "CREATE CONSTRAINT TRIGGER refused AFTER INSERT ON mandate_states DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION refuse()",
    )
    assert problem(await owner.post("/v1/mandates", signed)) == "503 unavailable"
    await run_sql(told.url, "DROP TRIGGER refused ON mandate_states", "DROP FUNCTION refuse()")
    await tell(world)
    assert types_of(await read_feed(owner)) == ["template.published"]
    assert (await owner.post("/v1/mandates", signed)).status_code == 201
    await tell(world)
    assert types_of(await read_feed(owner)) == ["template.published", "mandate.issued"]
