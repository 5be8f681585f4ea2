"""Statutory deliveries are checked against what was delivered, which is the evidence of each mandate."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import pytest

from fsck_populated import Populated
from registry.fsck import Kind

TABLE = "statutory_deliveries"


@asynccontextmanager
async def put(populated: Populated, key: str, column: str, value: object) -> AsyncIterator[None]:
    """Overwrite a column of one delivery, and set it right again."""
    before = await populated.root.fetchval(f"SELECT {column} FROM {TABLE} WHERE key = $1", key)  # noqa: S608  # our own names
    statement = f"UPDATE {TABLE} SET {column} = $2 WHERE key = $1"  # noqa: S608  # our own names
    await populated.root.execute(statement, key, value)
    yield
    await populated.root.execute(statement, key, before)


async def named(populated: Populated) -> set[tuple[str, str, Kind]]:
    report = await populated.check()
    assert {item.table for item in report.findings} <= {TABLE}
    return {(item.row.split("/", 1)[1], item.part, item.kind) for item in report.findings}


async def mandates(populated: Populated) -> list[UUID]:
    """Those that were delivered, oldest first: the first stands, the second was ended by a replacement."""
    rows = await populated.root.fetch(
        "SELECT mandate_id FROM mandate_states WHERE basis = 'statutory' ORDER BY mandate_id"
    )
    return [row["mandate_id"] for row in rows]


async def test_all_of_them_are_read(populated: Populated) -> None:
    report = await populated.check()
    assert report.findings == ()
    assert report.counts[TABLE] == 2


@pytest.mark.parametrize("strays", ["not delivered", "twice", "unknown"])
async def test_what_was_not_delivered_under_the_key(populated: Populated, strays: str) -> None:
    (stands, _) = await mandates(populated)
    other = await populated.root.fetchval("SELECT mandate_id FROM mandate_states WHERE basis = 'voluntary'")
    ids = {"not delivered": [stands, other], "twice": [stands, stands], "unknown": [stands, UUID(int=1)]}
    async with put(populated, "household-1", "mandate_ids", ids[strays]):
        assert await named(populated) == {("register/household-1", "mandate_ids", Kind.COLUMN_MISMATCH)}


async def test_what_was_delivered_under_another_key(populated: Populated) -> None:
    ids = await mandates(populated)
    async with put(populated, "household-2", "mandate_ids", ids[:1]):
        assert await named(populated) == {("register/household-2", "mandate_ids", Kind.COLUMN_MISMATCH)}


async def test_what_stands_and_is_left_out(populated: Populated) -> None:
    async with put(populated, "household-1", "mandate_ids", []):
        assert await named(populated) == {("register/household-1", "mandate_ids", Kind.COLUMN_MISMATCH)}


async def test_a_delivery_that_went(populated: Populated) -> None:
    row = await populated.root.fetchrow(f"DELETE FROM {TABLE} WHERE key = 'household-1' RETURNING *")  # noqa: S608  # our own name
    assert row is not None
    assert await named(populated) == {("register/household-1", "", Kind.MISSING_ROW)}
    await populated.root.execute(f"INSERT INTO {TABLE} VALUES ($1, $2, $3, $4, $5)", *row.values())  # noqa: S608  # our own name


async def test_a_time_before_its_mandates(populated: Populated) -> None:
    issued_at = await populated.root.fetchval("SELECT min(issued_at) FROM mandate_states")
    async with put(populated, "household-1", "delivered_at", issued_at):
        assert await named(populated) == {("register/household-1", "delivered_at", Kind.COLUMN_MISMATCH)}
