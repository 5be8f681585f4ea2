"""Every flipped bit is found, and named at its table, row and column."""

import random
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack

import asyncpg

from fsck_flips import Place, flipped, list_places, row_name
from fsck_populated import Populated
from registry.fsck import Kind, Report
from registry.storage.tables import metadata

FLIPS, OF_EACH = 300, 12

COVERED: Mapping[str, frozenset[str] | None] = {
    "templates": frozenset({"template_id", "third_party"}),
    "template_versions": None,
    "template_publications": None,
    "template_retirements": None,
    "mandate_records": None,
    "mandate_evidence": None,
    "mandate_events": None,
    "mandate_endings": None,
    "mandate_states": None,
    "representations": None,
    "open_uses": None,
    "access_log": None,
    "sealed_entries": None,
    "restriction_states": None,
    "approval_states": None,
    "erasable_secrets": None,
}
"""The columns that some sealed byte vouches for; None is all of them."""

EDITABLE = frozenset({"content", "updated_at"})
"""A draft is no record: these change until it is published."""

FOLLOWS = frozenset({Kind.UNVERIFIABLE})
"""What else is noted of rows that need a damaged template, or a damaged data key of a month."""


async def test_every_flipped_bit_is_found_where_it_is(populated: Populated) -> None:
    rng = random.Random(20261121)  # noqa: S311  # chosen to be repeatable
    by_table = [await _covered(populated.root, table) for table in COVERED]
    some_of_each = [place for places in by_table for place in rng.sample(places, min(OF_EACH, len(places)))]
    others = [place for places in by_table for place in places if place not in some_of_each]
    chosen = some_of_each + rng.sample(others, FLIPS - len(some_of_each))
    assert {place.table for place in chosen} == set(COVERED)
    missed, alarms = [], []
    for together in _rounds(chosen):
        async with AsyncExitStack() as stack:
            changed = [
                (place, await stack.enter_async_context(flipped(populated.root, place, rng)))
                for place in together
            ]
            report = await populated.check()
        missed += [place for place, key in changed if not _is_found(report, place, key)]
        subjects = {next(iter(key.values())) for place, after in changed for key in (place.key, after)}
        alarms += [
            item
            for item in report.findings
            if item.row.split("/")[0] not in subjects and item.kind not in FOLLOWS
        ]
    assert [(place.table, place.column, place.row) for place in missed] == []
    assert alarms == []
    assert (await populated.check()).total == 0


async def _covered(root: asyncpg.Connection, table: str) -> list[Place]:
    places = await list_places(root, table)
    columns = COVERED[table]
    statuses = {place.row: place.value for place in places if place.column == "status"}
    subjects = {row["id"] for row in await root.fetch(_SUBJECTS)}
    return [
        place
        for place in places
        if (columns is None or place.column in columns)
        and not (statuses.get(place.row) == "draft" and place.column in EDITABLE)
        and not (table == "erasable_secrets" and place.column == "created_at" and place.row not in subjects)
    ]


_SUBJECTS = (
    "SELECT mandate_id::text AS id FROM mandate_records UNION SELECT subject_id::text FROM sealed_entries"
)
"""Whose data keys have the time of a record; those of a month have the time of whoever came first."""


def _rounds(places: list[Place]) -> Iterator[list[Place]]:
    """Flips that do not hide each other: one for each mandate, template and entry, and nothing they share."""
    waiting = list(places)
    while waiting:
        together: dict[str, Place] = {}
        shared = _family(waiting[0])
        for place in waiting:
            if _family(place) == shared:
                together.setdefault(next(iter(place.key.values())), place)
        yield list(together.values())
        waiting = [place for place in waiting if place not in together.values()]


def _family(place: Place) -> str:
    # Mandates depend on their template, entries of the access log on their month's key.
    return place.table if place.table.startswith(("template", "access")) else "mandate"


def _is_found(report: Report, place: Place, key: dict[str, str]) -> bool:
    rows = {place.row, row_name(key)}
    found = {item.part for item in report.findings if item.table == place.table and item.row in rows}
    # What an entry shows in the clear is authenticated all together, with its ciphertext.
    is_whole_row = place.column in {*metadata.tables[place.table].primary_key.columns.keys(), "status"}
    is_whole_row |= place.table == "access_log"
    return bool(found) if is_whole_row else place.column in found
