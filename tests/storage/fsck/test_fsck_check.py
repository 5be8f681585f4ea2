"""What the check reads and reports: all of it where nothing is wrong; rows that went, moved, were forged."""

import random
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from uuid import UUID, uuid4

import orjson
import pytest

from fsck_flips import Place, changed, flipped, list_keys, list_places, row_name, without
from fsck_populated import Populated
from fsck_population import START
from registry.fsck import Finding, Kind, Progress, check_database, describe
from registry.fsck.rows import ACCESS_TABLES, SUBJECT_TABLES, TEMPLATE_TABLES
from registry.signing.encryption import DataSecret, commitment, encrypt, salt
from registry.signing.keys import new_key_ring
from registry.signing.records import SealType, seal
from registry.storage.mandate_records import event_place, evidence_place, record_place

RECORDED = [table.name for table in (*TEMPLATE_TABLES, *SUBJECT_TABLES, *ACCESS_TABLES)]
CHECKED = [*RECORDED, "log_entries", "log_tiles", "log_checkpoints"]
NAMES = ("Beri", "Paul", "Herman", "Malteskog", "198602262381", "195809132896", "Sundsvall")


async def count(populated: Populated, table: str) -> int:
    counted: int = await populated.root.fetchval(f"SELECT count(*) FROM {table}")  # noqa: S608  # our own names
    return counted


async def test_untouched_registry_is_clean_and_read_whole(populated: Populated) -> None:
    report = await populated.check()
    assert report.findings == ()
    assert (report.total, report.exit_code) == (0, 0)
    tables = [*CHECKED, "statutory_deliveries"]
    assert report.counts == {table: await count(populated, table) for table in tables}
    assert all(report.counts.values())
    assert "Everything is as it was written." in describe(report)


MOST_ROWS = 3


@pytest.mark.parametrize("table", [name for name in RECORDED if not name.startswith("access_log")])
async def test_a_row_that_went_is_named(populated: Populated, table: str) -> None:
    """Of each table some rows, spread over it: each takes a check of everything."""
    drafts = {
        f"{row['template_id']}/{row['version']}"
        for row in await populated.root.fetch(
            "SELECT template_id, version FROM template_versions WHERE status = 'draft' AND version > 1"
        )
    }
    keys = [
        key
        for key in await list_keys(populated.root, table)
        if table != "template_versions" or row_name(key) not in drafts
    ]
    for key in keys[:: -(-len(keys) // MOST_ROWS)]:
        async with without(populated.root, table, key):
            report = await populated.check()
        named = {(item.table, item.row) for item in report.findings if item.kind in MISSING}
        assert named == {(table, row_name(key))}
        assert report.exit_code == 1


async def test_whom_an_entry_shows_is_vouched_for(populated: Populated) -> None:
    """A row that went, came, or was changed is noted at its entry."""
    (key, *_) = await list_keys(populated.root, "access_log_persons")
    expected = {("access_log", key["entry_id"], "persons_digest", Kind.DIGEST_MISMATCH)}
    index = next(
        place
        for place in await list_places(populated.root, "access_log_persons")
        if place.column == "party_index" and place.key == key
    )
    other = Place(index.table, "entry_id", key, UUID(key["entry_id"]))
    for damage in (
        without(populated.root, "access_log_persons", key),
        flipped(populated.root, index, random.Random(1)),  # noqa: S311  # chosen to be repeatable
    ):
        async with damage:
            report = await populated.check()
        assert {(item.table, item.row, item.part, item.kind) for item in report.findings} == expected
    async with flipped(populated.root, other, random.Random(1)) as moved:  # noqa: S311  # as above
        report = await populated.check()
    strayed = ("access_log_persons", moved["entry_id"], "", Kind.UNEXPECTED_ROW)
    assert {(item.table, item.row, item.part, item.kind) for item in report.findings} == expected | {strayed}


MISSING = frozenset({Kind.MISSING_ROW, Kind.MISSING_SECRET})


async def test_batches_and_processes_find_the_same(
    populated: Populated, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = (await populated.check()).counts
    for name in ("_TEMPLATES_AT_ONCE", "_MANDATES_AT_ONCE", "_ENTRIES_AT_ONCE"):
        monkeypatch.setattr(f"registry.fsck.check.{name}", 2)
    assert (await populated.check()).counts == whole
    async with AsyncExitStack() as stack:
        for table in ("mandate_records", "mandate_events", "representations", "template_publications"):
            key = (await list_keys(populated.root, table))[-1]
            await stack.enter_async_context(without(populated.root, table, key))
        alone = await populated.check()
        told: list[Progress] = []
        shared = await check_database(populated.database, populated.keys, progress=told.append, jobs=2)
    assert alone.findings == shared.findings
    assert alone.total > 4
    assert [item.checked for item in told if item.table == "mandate_records"][-1] == whole[
        "mandate_records"
    ] - 1
    assert {item.table for item in told} == {"templates", "mandate_records", "access_log", "log_entries"}


async def test_template_is_found_though_the_projection_names_another(populated: Populated) -> None:
    places = [
        p for p in await list_places(populated.root, "mandate_states") if p.column == "template_version"
    ]
    async with changed(populated.root, places[0], 977):
        report = await populated.check()
    assert report.findings == (
        Finding("mandate_states", places[0].row, "template_version", Kind.COLUMN_MISMATCH),
    )


@pytest.mark.parametrize("table", ["mandate_states", "representations", "template_versions"])
async def test_null_is_no_value_and_a_value_is_not_null(populated: Populated, table: str) -> None:
    something = {"bytea": b"x", "timestamp with time zone": START, "text": "x", "smallint": 1, "integer": 1}
    something |= {"jsonb": "null", "uuid[]": [uuid4()]}
    types = {
        row["name"]: row["type"]
        for row in await populated.root.fetch(
            "SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute "
            "WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attnotnull",
            table,
        )
    }
    holding = {place.column: place for place in await list_places(populated.root, table)}
    empty = {place.column: place for place in await list_places(populated.root, table, empty=True)}
    assert types.keys() <= holding.keys() | empty.keys()
    types.pop("organisation_indexes", None)  # null in rows of before there was this column
    for column, kind in types.items():
        for place, value in ((holding.get(column), None), (empty.get(column), something[kind])):
            if place is None:
                continue
            async with changed(populated.root, place, value):
                report = await populated.check()
            assert (table, place.row, column) in {(i.table, i.row, i.part) for i in report.findings}


async def test_swapped_ciphertexts_open_in_neither_place(populated: Populated) -> None:
    for table in ("mandate_records", "mandate_events", "mandate_evidence", "access_log"):
        places = [p for p in await list_places(populated.root, table) if p.column == "ciphertext"]
        one, other = places[0], places[-1]
        async with changed(populated.root, one, other.value), changed(populated.root, other, one.value):
            report = await populated.check()
        undecryptable = {(i.table, i.row) for i in report.findings if i.kind is Kind.UNDECRYPTABLE}
        assert undecryptable == {(table, one.row), (table, other.row)}


async def test_forged_record_needs_more_than_the_data_key(populated: Populated) -> None:
    """Who holds every key but the signing key can encrypt and commit, but not seal."""
    place = await one_place(populated, "mandate_records", "ciphertext")
    mandate_id = UUID(place.row)
    secret, where = await secret_of(populated, mandate_id), record_place(mandate_id)
    stranger = new_key_ring(datetime(2026, 1, 1, tzinfo=UTC))
    forged = seal({"id": place.row}, stranger, SealType.MANDATE, now=datetime.now(UTC))
    async with (
        changed(populated.root, place, encrypt(secret.data_key, forged, where)),
        changed(
            populated.root,
            await one_place(populated, "mandate_records", "commitment"),
            commitment(salt(secret, where), forged),
        ),
    ):
        report = await populated.check()
    own = {(i.part, i.kind) for i in report.findings if i.table == "mandate_records"}
    assert own == {("ciphertext", Kind.SEAL_BROKEN), ("commitment", Kind.LOG_MISMATCH)}


async def test_sealed_bytes_of_one_kind_are_not_taken_for_another(populated: Populated) -> None:
    """A receipt, or a publication of the same registry, in an event's place."""
    places = await list_places(populated.root, "mandate_events")
    place = next(p for p in places if p.column == "ciphertext")
    mandate_id, number = place.row.split("/")
    secret, where = await secret_of(populated, UUID(mandate_id)), event_place(UUID(mandate_id), int(number))
    for seal_type, kind in ((SealType.RECEIPT, Kind.SEAL_BROKEN), (SealType.EVENT, Kind.UNREADABLE)):
        other = seal({"mandate_id": mandate_id}, populated.keys, seal_type, now=datetime.now(UTC))
        async with changed(populated.root, place, encrypt(secret.data_key, other, where)):
            report = await populated.check()
        assert kind in {i.kind for i in report.findings if (i.table, i.row) == (place.table, place.row)}


async def test_replaced_evidence_is_not_what_was_signed_for(populated: Populated) -> None:
    place = await one_place(populated, "mandate_evidence", "ciphertext")
    mandate_id, position = UUID(place.key["mandate_id"]), int(place.key["position"])
    secret = await secret_of(populated, mandate_id)
    other = encrypt(secret.data_key, b"another statement", evidence_place(mandate_id, position))
    async with changed(populated.root, place, other):
        report = await populated.check()
    assert report.findings == (Finding("mandate_evidence", place.row, "ciphertext", Kind.DIGEST_MISMATCH),)


async def test_event_taken_out_of_the_middle_breaks_the_numbers(populated: Populated) -> None:
    keys = await list_keys(populated.root, "mandate_events")
    third = next(key for key in keys if key["number"] == "3")
    second = next(k for k in keys if k["mandate_id"] == third["mandate_id"] and k["number"] == "2")
    async with without(populated.root, "mandate_events", second):
        report = await populated.check()
    assert Finding("mandate_events", row_name(third), "number", Kind.NUMBER_GAP) in report.findings


async def test_report_never_shows_what_is_stored(populated: Populated) -> None:
    async with AsyncExitStack() as stack:
        for table in CHECKED:
            places = await list_places(populated.root, table)
            for place in [p for p in places if isinstance(p.value, bytes) and p.column not in p.key][:6]:
                await stack.enter_async_context(changed(populated.root, place, place.value[:-1] + b"\x00"))
        report = await populated.check()
    text = describe(report) + orjson.dumps([item.sentence for item in report.findings]).decode()
    assert report.total > 20
    assert [name for name in NAMES if name in text] == []
    assert all(item.kind.value in text for item in report.findings[:100])


async def one_place(populated: Populated, table: str, column: str) -> Place:
    return next(p for p in await list_places(populated.root, table) if p.column == column)


async def secret_of(populated: Populated, mandate_id: UUID) -> DataSecret:
    row = await populated.root.fetchrow("SELECT * FROM erasable_secrets WHERE subject_id = $1", mandate_id)
    return populated.keys.unwrap(row["kek_number"], row["wrapped"], str(mandate_id))
