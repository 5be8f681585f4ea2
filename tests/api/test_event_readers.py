"""Who reads which events: organisations with a part in it, within their departments, by cursor."""

from uuid import UUID

from acting import faults, problem, without
from asking import ask_for, sign_as
from conftest import run_sql
from delegating import grant_on
from factories import BERI, MARIA, PAUL, World, mandate_body, person
from registry.domain.callers import Scope
from registry.domain.parties import Party, Scheme
from registry.signing.cursors import feed_cursor
from telling import done, end_of, matter, read_feed, read_page, tell, types_of

TERMS = {"specifiers": ["property"], "delegation": {"max_depth": 1}}
COMPANY = Party(Scheme.SE_ORGNR, "5561929323")
REASON = {"reason": "as decided"}
FORGET = "DELETE FROM feed_events WHERE audience = '\\x{index}' AND sequence <= {upto}"


async def test_organisations_with_a_part_in_it_are_told_and_no_others(world: World) -> None:
    owner = await world.organisation()
    representative = await world.organisation(name="Ombudsbyrån AB")
    stranger = await world.organisation()
    template = await world.publish_template(owner, **TERMS)
    mandate = await world.issue(owner, template, representatives=[representative.wire])
    use = {"permission": "apply", "case_ref": "A-1", "by": representative.wire}
    await done(owner, f"/v1/mandates/{mandate['id']}/uses", use)
    await done(owner, "/v1/approvals", matter(representative.wire))
    about = {"subject": representative.wire, "scope": "own_login", "third_party": owner.wire} | REASON
    await done(owner, "/v1/restrictions", about)
    request = await ask_for(
        owner, mandate_body(template, representatives=[representative.wire], permissions=["follow"])
    )
    await sign_as(world, owner, request, BERI)
    await done(owner, f"/v1/mandates/{mandate['id']}/revocation", {"by": "third_party"} | REASON)
    await tell(world)
    to_owner, to_other = await read_feed(owner), await read_feed(representative)
    assert await read_feed(stranger) == []
    assert types_of(to_other) == [
        item for item in types_of(to_owner) if item not in {"template.published", "request.signed"}
    ]
    assert [event["sequence"] for event in to_other] == list(range(1, len(to_other) + 1))
    cases = [{"use_id": to_owner[2]["id"], "case_ref": "A-1"}]
    assert (to_owner[-1]["open_cases"], to_other[-1]["open_cases"]) == (cases, [])


async def test_who_granted_on_is_told_of_what_hangs_below(world: World) -> None:
    owner = await world.organisation()
    above = await world.organisation(COMPANY, name="TB Bokföringsbyrå AB")
    start = await end_of(above)
    template = await world.publish_template(owner, **TERMS)
    root = await world.issue(owner, template, representatives=[above.wire, person(PAUL, "Paul Ingemar Vall")])
    sub = await grant_on(world, owner, root, MARIA, by=[PAUL])
    await done(owner, f"/v1/mandates/{sub['id']}/revocation", {"by": "third_party"} | REASON)
    await tell(world)
    found = [(event["type"], event["mandate_id"]) for event in await read_feed(above, start)]
    assert found == [
        ("mandate.issued", root["id"]),
        ("mandate.issued", sub["id"]),
        ("mandate.revoked", sub["id"]),
    ]


async def test_a_mandate_of_before_is_told_to_the_same(world: World) -> None:
    """Rows of before there was the column are read from the record."""
    owner = await world.organisation()
    representative = await world.organisation(name="Ombudsbyrån AB")
    mandate = await world.issue(
        owner, await world.publish_template(owner), representatives=[representative.wire]
    )
    await world.database.fetch_hot(
        "UPDATE mandate_states SET organisation_indexes = NULL WHERE mandate_id = $1 RETURNING 1",
        UUID(mandate["id"]),
    )
    await done(owner, f"/v1/mandates/{mandate['id']}/suspension", REASON)
    await tell(world)
    assert types_of(await read_feed(representative)) == ["mandate.issued", "mandate.suspended"]


async def test_a_client_of_departments_is_told_of_theirs(world: World) -> None:
    whole = await world.organisation()
    limited = await world.organisation(whole.party, departments=frozenset({"Miljö"}))
    own = await world.issue(whole, await world.publish_template(whole, department="Miljö"))
    for department in ("Skola", None):
        await world.issue(whole, await world.publish_template(whole, department=department))
    await done(whole, "/v1/approvals", matter(person(PAUL, None)))
    elsewhere = await world.organisation()
    held = await world.issue(
        elsewhere, await world.publish_template(elsewhere, department="Skola"), representatives=[whole.wire]
    )
    await tell(world)
    seen = await read_feed(limited)
    assert types_of(seen) == ["template.published", "mandate.issued", "mandate.issued"]
    assert [event.get("mandate_id") for event in seen] == [None, own["id"], held["id"]]
    assert len(await read_feed(whole)) == 8
    assert (await read_page(limited, limit=1))["next"] != (await read_page(limited))["next"]


async def test_bad_cursors_types_and_scopes_are_refused(world: World) -> None:
    owner, keys = await world.organisation(), world.keys
    other = await world.organisation()
    await world.publish_template(owner)
    await tell(world)
    cursor = (await read_page(owner, limit=1))["next"]
    changed = cursor[:-1] + ("A" if cursor[-1] != "A" else "B")
    for bad in ("AQ", "AAAA", changed, "x" * 40, cursor + "AAAA"):
        assert faults(await owner.get("/v1/events", after=bad)) == {("?after", "cursor")}
    assert faults(await other.get("/v1/events", after=cursor)) == {("?after", "cursor")}
    assert faults(await owner.get("/v1/events", types="mandate.issued,mandate.gone")) == {
        ("?types", "event_type")
    }
    for name, value, code in (
        ("limit", 0, "greater_than_equal"),
        ("limit", 101, "less_than_equal"),
        ("wait", 31, "less_than_equal"),
        ("after", "å", "string_pattern_mismatch"),
    ):
        assert faults(await owner.get("/v1/events", **{name: value})) == {(f"?{name}", code)}
    may_not = await world.organisation(without=without(Scope.EVENTS_READ))
    assert problem(await may_not.get("/v1/events")) == "403 missing-scope"
    ahead = feed_cursor(keys.party_index(owner.party), 10_000, keys)
    assert problem(await owner.get("/v1/events", after=ahead)) == "410 events-forgotten"


async def test_an_event_of_a_later_release_waits_for_it(world: World, database_url: str) -> None:
    owner = await world.organisation()
    for _ in range(3):
        await world.publish_template(owner)
    await tell(world)
    of_owner = f"WHERE audience = '\\x{world.keys.party_index(owner.party).hex()}' AND sequence = 2"
    await run_sql(database_url, f"UPDATE feed_events SET type = 'template.praised' {of_owner}")  # noqa: S608  # our own index
    page = await read_page(owner)
    assert [event["sequence"] for event in page["items"]] == [1]
    assert await read_page(owner, page["next"], wait=1) == {"items": [], "next": page["next"]}
    await run_sql(database_url, f"UPDATE feed_events SET type = 'template.retired' {of_owner}")  # noqa: S608  # as above
    assert [event["sequence"] for event in await read_feed(owner, page["next"])] == [2, 3]


async def test_what_is_kept_no_longer_is_gone(world: World, database_url: str) -> None:
    owner = await world.organisation()
    for _ in range(3):
        await world.publish_template(owner)
    await tell(world)
    index = world.keys.party_index(owner.party)
    cursors = [feed_cursor(index, sequence, world.keys) for sequence in range(4)]
    await run_sql(database_url, FORGET.format(index=index.hex(), upto=1))
    assert problem(await owner.get("/v1/events", after=cursors[0])) == "410 events-forgotten"
    for cursor, left in (("", [2, 3]), (cursors[1], [2, 3]), (cursors[2], [3]), (cursors[3], [])):
        assert [event["sequence"] for event in await read_feed(owner, cursor)] == left
    await run_sql(database_url, FORGET.format(index=index.hex(), upto=3))
    assert problem(await owner.get("/v1/events", after=cursors[2])) == "410 events-forgotten"
    assert (await read_page(owner))["next"] == cursors[3]
