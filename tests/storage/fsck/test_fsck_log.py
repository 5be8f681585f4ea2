"""The transparency log under check: every bit of it, and that it is of just the records that there are."""

import random
from contextlib import AsyncExitStack
from uuid import uuid4

from fsck_flips import Place, flipped, list_keys, list_places, row_name, without
from fsck_populated import Populated
from registry.fsck import Finding, Kind
from registry.fsck.findings import Tally
from registry.fsck.log import check_log
from registry.fsck.rows import SUBJECT_TABLES, leading_key
from registry.storage.tables import metadata

LOG = ("log_entries", "log_tiles", "log_checkpoints")
FLIPS_OF_EACH = 14


async def check(populated: Populated) -> list[Finding]:
    tally = Tally()
    await check_log(populated.database, populated.keys, tally, None)
    return tally.kept


async def test_every_flipped_bit_of_the_log_is_found_where_it_is(populated: Populated) -> None:
    rng = random.Random(20261122)  # noqa: S311  # chosen to be repeatable
    missed = []
    for table in LOG:
        places = await list_places(populated.root, table)
        for place in rng.choices(places, k=FLIPS_OF_EACH):
            async with flipped(populated.root, place, rng) as key:
                found = await check(populated)
            if not is_found(place, key, found):
                missed.append((place, found))
    assert missed == []
    assert await check(populated) == []


def is_found(place: Place, key: dict[str, str], found: list[Finding]) -> bool:
    is_key = place.column in metadata.tables[place.table].primary_key.columns
    rows = {place.row, row_name(key)}
    of_row = {item.part for item in found if item.table == place.table and item.row in rows}
    # Of a checkpoint the note is what is signed: which of its bytes was changed it does not tell.
    return bool(of_row) if is_key or place.table != "log_entries" else place.column in of_row


async def test_a_row_of_the_log_that_went_is_named(populated: Populated) -> None:
    for table in LOG:
        *others, last = await list_keys(populated.root, table)
        for key in [*others[:2], last]:
            async with without(populated.root, table, key):
                found = await check(populated)
            assert found, (table, key)
            if (table, key) != ("log_checkpoints", last):
                assert (table, row_name(key), Kind.MISSING_ROW) in {(i.table, i.row, i.kind) for i in found}
            else:
                assert {item.kind for item in found if item.table == "log_entries"} == {Kind.UNEXPECTED_ROW}


async def test_a_mandate_of_which_no_row_is_left_is_missed(populated: Populated) -> None:
    """What the sealed bytes alone do not tell."""
    mandate_id = (await list_keys(populated.root, "mandate_records"))[0]["mandate_id"]
    async with AsyncExitStack() as stack:
        for table in SUBJECT_TABLES:
            for key in await list_keys(populated.root, table.name):
                if key[str(leading_key(table).key)] == mandate_id:
                    await stack.enter_async_context(without(populated.root, table.name, key))
        report = await populated.check()
    assert Finding("mandate_records", mandate_id, "", Kind.MISSING_ROW) in report.findings
    assert {item.row.split("/")[0] for item in report.findings} == {mandate_id}


async def test_a_record_that_was_slipped_in_is_not_logged(populated: Populated) -> None:
    """By who can keep the trigger from firing."""
    slipped = uuid4()
    await populated.root.execute(
        "INSERT INTO sealed_entries SELECT $1, number, kind, type, recorded_at, commitment, ciphertext "
        "FROM sealed_entries LIMIT 1",
        slipped,
    )
    try:
        found = await check(populated)
    finally:
        await populated.root.execute("DELETE FROM sealed_entries WHERE subject_id = $1", slipped)
    assert [(item.table, item.row.split("/")[0], item.kind) for item in found] == [
        ("sealed_entries", str(slipped), Kind.NOT_LOGGED)
    ]
