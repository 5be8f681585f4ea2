"""The projection can be dropped, damaged, and rebuilt to exactly the rows it had, also while acts go on."""

import asyncio
import random
from datetime import datetime
from uuid import UUID, uuid4

import pytest

from factories import PAUL, World, person
from fsck_flips import changed, flip, list_keys, list_places, row_name, without
from fsck_populated import Populated
from fsck_population import dump
from registry.fsck import Finding, Kind, Progress, check_database, describe, rebuild_projection
from registry.storage.tables import metadata

PROJECTION = ("mandate_states", "representations")
OF_ENTRIES = ("restriction_states", "approval_states")


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("registry.fsck.rebuild._AT_ONCE", 3)


async def test_what_is_right_is_left_alone(populated: Populated) -> None:
    before = await dump(populated.root)
    told: list[Progress] = []
    rebuilt = await rebuild_projection(populated.database, populated.keys, progress=told.append)
    mandates = len(before["mandate_records"])
    assert (rebuilt.mandates, told[-1].checked, rebuilt.exit_code) == (mandates, mandates, 0)
    assert not any({**rebuilt.written, **rebuilt.removed}.values())
    assert await dump(populated.root) == before


async def test_dropped_projection_comes_back_row_for_row(populated: Populated) -> None:
    before = await dump(populated.root)
    for table in reversed(PROJECTION):
        await populated.root.execute(f"DELETE FROM {table}")  # noqa: S608  # our own names
    assert (await populated.check()).total > 0
    rebuilt = await rebuild_projection(populated.database, populated.keys)
    assert await dump(populated.root) == before
    assert rebuilt.written == {table: len(before[table]) for table in PROJECTION}
    assert f"mandate_states: {rebuilt.mandates}" in describe(rebuilt)


async def test_what_projects_entries_comes_back_row_for_row(populated: Populated) -> None:
    before = await dump(populated.root)
    rng = random.Random(11)  # noqa: S311  # chosen to be repeatable
    for table in OF_ENTRIES:
        keys = {column.name for column in metadata.tables[table].primary_key}
        for place in await list_places(populated.root, table):
            if place.column not in keys and not isinstance(place.value, datetime):
                await _damage(populated, table, place.key, place.column, flip(place, rng))
        (first, *_) = await list_keys(populated.root, table)
        (name,) = first
        await populated.root.execute(f"DELETE FROM {table} WHERE {name}::text = $1", first[name])  # noqa: S608  # our own names
        await _copy_to_stray(populated, table, name)
    assert (await populated.check()).total > 0
    rebuilt = await rebuild_projection(populated.database, populated.keys)
    assert await dump(populated.root) == before
    assert rebuilt.written == {table: len(before[table]) for table in OF_ENTRIES}
    gone = {table: count for table, count in rebuilt.removed.items() if count}
    assert gone == dict.fromkeys(OF_ENTRIES, 1)
    assert rebuilt.exit_code == 0


async def test_entries_that_cannot_be_read_keep_what_projects_them(populated: Populated) -> None:
    place = next(
        place for place in await list_places(populated.root, "sealed_entries") if place.column == "ciphertext"
    )
    before = await dump(populated.root, *OF_ENTRIES)
    async with changed(populated.root, place, place.value[:-1] + bytes([place.value[-1] ^ 1])):
        rebuilt = await rebuild_projection(populated.database, populated.keys)
    assert await dump(populated.root, *OF_ENTRIES) == before
    assert rebuilt.exit_code == 1
    assert place.row.split("/")[0] in describe(rebuilt)


async def test_every_damaged_column_and_stray_row_is_set_right(populated: Populated) -> None:
    before = await dump(populated.root)
    rng = random.Random(7)  # noqa: S311  # chosen to be repeatable
    for table in PROJECTION:
        keys = {column.name for column in metadata.tables[table].primary_key}
        for place in await list_places(populated.root, table):
            if place.column not in keys and not isinstance(place.value, datetime):
                await _damage(populated, table, place.key, place.column, flip(place, rng))
        await populated.root.execute(
            f"UPDATE {table} SET valid_from = 'infinity', valid_until = NULL, issued_at = '0044-03-15 BC'"  # noqa: S608  # as above
        )
        await _copy_to_stray(populated, table)
    await populated.root.execute("UPDATE representations SET position = position + 5")
    rebuilt = await rebuild_projection(populated.database, populated.keys)
    assert await dump(populated.root) == before
    assert rebuilt.removed == {"mandate_states": 1, "representations": 1}


async def test_unreadable_records_keep_their_rows_and_are_named(populated: Populated) -> None:
    ended = (await list_keys(populated.root, "mandate_endings"))[0]["mandate_id"]
    ending = await populated.root.fetchval(
        "SELECT number FROM mandate_events WHERE mandate_id = $1 ORDER BY number DESC LIMIT 1", UUID(ended)
    )
    events = await list_keys(populated.root, "mandate_events")
    last = next(key for key in events if row_name(key) == f"{ended}/{ending}")
    records = await list_places(populated.root, "mandate_records")
    record = next(p for p in records if p.column == "ciphertext" and p.row != ended)
    before = await dump(populated.root, *PROJECTION)
    async with (
        without(populated.root, "mandate_events", last),
        changed(populated.root, record, record.value[:-1] + bytes([record.value[-1] ^ 1])),
    ):
        rebuilt = await rebuild_projection(populated.database, populated.keys)
    assert await dump(populated.root, *PROJECTION) == before
    unverifiable = {item for item in rebuilt.left.findings if item.kind is Kind.UNVERIFIABLE}
    assert unverifiable == {
        Finding("mandate_states", ended, "mandate_endings", Kind.UNVERIFIABLE),
        Finding("mandate_states", record.row, "mandate_records", Kind.UNVERIFIABLE),
    }
    assert rebuilt.exit_code == 1
    assert record.row in describe(rebuilt)


async def test_acts_go_on_while_it_is_checked_and_rebuilt(populated: Populated) -> None:
    """No act is lost or refused, and no check sees an act half done."""
    world = World(populated.database, populated.keys)
    owner = await world.organisation()
    template = await world.publish_template(owner)
    mandates = [await world.issue(owner, template, permissions=[code]) for code in ("apply", "follow")]
    finished = asyncio.Event()

    async def use(mandate_id: str) -> int:
        permission = "apply" if mandate_id == mandates[0]["id"] else "follow"
        number = 0
        while number == 0 or not finished.is_set():
            body = {"permission": permission, "case_ref": f"C-{number}", "by": person(PAUL, None)}
            used = await owner.post(f"/v1/mandates/{mandate_id}/uses", body)
            assert used.status_code == 201, used.text
            number += 1
        return number

    async def check_and_rebuild() -> None:
        for _ in range(2):
            await populated.root.execute("UPDATE mandate_states SET kind = 'consent', basis = 'court'")
            rebuilt, report = await asyncio.gather(
                rebuild_projection(populated.database, populated.keys),
                check_database(populated.database, populated.keys, jobs=1),
            )
            assert rebuilt.exit_code == 0
            assert {(item.table, item.part) for item in report.findings} <= {
                ("mandate_states", "kind"),
                ("mandate_states", "basis"),
            }
        finished.set()

    _, *used = await asyncio.gather(check_and_rebuild(), *(use(mandate["id"]) for mandate in mandates))
    uses = await populated.root.fetch(
        "SELECT uses, event_count FROM mandate_states WHERE mandate_id = ANY($1) ORDER BY mandate_id",
        [UUID(mandate["id"]) for mandate in mandates],
    )
    assert [tuple(row) for row in uses] == [(number, number) for number in used]
    assert (await populated.check()).findings == ()


async def _damage(populated: Populated, table: str, key: dict[str, str], column: str, value: object) -> None:
    where = " AND ".join(f"{name}::text = ${number}" for number, name in enumerate(key, 2))
    statement = f"UPDATE {table} SET {column} = $1 WHERE {where}"  # noqa: S608  # our own names
    await populated.root.execute(statement, value, *key.values())


async def _copy_to_stray(populated: Populated, table: str, key: str = "mandate_id") -> None:
    """A row of a mandate, or other subject, that never was."""
    columns = [column.name for column in metadata.tables[table].c if column.name != key]
    names = ", ".join(columns)
    await populated.root.execute(
        f"INSERT INTO {table} ({key}, {names}) SELECT $1, {names} FROM {table} LIMIT 1",  # noqa: S608  # our own names
        uuid4(),
    )
