"""Checking sealed entries: a subject's own list in an unbroken chain, and the rows that project it. Pure."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table

from registry.domain.entries import Entry, read_entry
from registry.fsck.findings import Finding, Kind, Row, Spot
from registry.fsck.history import HeldRows
from registry.fsck.projections import PROJECTION_TABLES, PROJECTIONS, Rows
from registry.fsck.rows import ENTRY_TABLES, row_id
from registry.fsck.sealed import READING_ERRORS, open_document, open_sealed, open_secret
from registry.signing.canonical import base64url_digest
from registry.signing.encryption import DataSecret
from registry.signing.keys import KeyRing
from registry.signing.records import SealType
from registry.storage.sealed_entries import entry_place

_ENTRIES = "sealed_entries"


def has_entries(held: HeldRows) -> bool:
    """Whether these rows are of a subject with sealed entries, or project one."""
    return any(held.all(table.name) for table in ENTRY_TABLES)


def check_entries(held: HeldRows, keys: KeyRing, found: list[Finding]) -> None:
    """Check every entry of a subject, each against the one before, and what projects them."""
    rows = held.all(_ENTRIES)
    if not rows:
        Spot(found, _ENTRIES, f"{held.mandate_id}/0").note("", Kind.MISSING_ROW)
        note_unexpected(held, found)
        return
    entries = _open_entries(held, keys, found)
    if entries is None:
        for table in PROJECTION_TABLES:
            for row in held.all(table.name):
                held.spot(found, table.name, row).note(_ENTRIES, Kind.UNVERIFIABLE)
    else:
        _check_projection(held, entries, keys, found)
    note_unexpected(held, found, but={"erasable_secrets", *(table.name for table in ENTRY_TABLES)})


def derive_rows(held: HeldRows, keys: KeyRing, found: list[Finding]) -> Rows | None:
    """The rows that project a subject, none without entries; None where the entries do not tell, with why."""
    if not held.all(_ENTRIES):
        return {}
    entries = _open_entries(held, keys, found)
    return None if entries is None else _derive(held, entries, keys, found)


def note_unexpected(held: HeldRows, found: list[Finding], but: set[str] | None = None) -> None:
    """Note that no record calls for these rows, save those in the tables named."""
    for table, rows in held.rows.items():
        if table not in (but or set()):
            for row in rows:
                Spot(found, table, row_id(table, row)).note("", Kind.UNEXPECTED_ROW)


def _open_entries(held: HeldRows, keys: KeyRing, found: list[Finding]) -> list[Entry] | None:
    """The entries, oldest first; None where one of them is missing or cannot be read."""
    rows = held.all(_ENTRIES)
    spot = held.spot(found, "erasable_secrets")
    wrapped = held.one("erasable_secrets")
    if wrapped is None:
        spot.note("", Kind.MISSING_SECRET)
    secret = None if wrapped is None else open_secret(wrapped, keys, spot)
    if wrapped is None or secret is None:
        for row in rows:
            held.spot(found, _ENTRIES, row).note("erasable_secrets", Kind.UNVERIFIABLE)
        return None
    entries, is_whole = _open_chain(held, secret, keys, found)
    if entries and entries[0].number == 0:
        spot.compare(wrapped, {"created_at": entries[0].recorded_at})
    return entries if is_whole else None


def _open_chain(
    held: HeldRows, secret: DataSecret, keys: KeyRing, found: list[Finding]
) -> tuple[list[Entry], bool]:
    """Every entry that can be read, also where what came before it cannot; and whether all of them can."""
    entries: list[Entry] = []
    is_whole = True
    number, previous, is_previous_known = -1, None, True
    for row in held.all(_ENTRIES):
        spot = held.spot(found, _ENTRIES, row)
        if row["number"] != number + 1:
            if row["number"] > number + 1:
                Spot(found, _ENTRIES, f"{held.mandate_id}/{number + 1}").note("", Kind.MISSING_ROW)
            spot.note("number", Kind.NUMBER_GAP)
            is_whole = is_previous_known = False
        number = row["number"]
        sealed = open_sealed(row, secret, entry_place(held.mandate_id, number), spot)
        entry = None if sealed is None else _read(row, sealed, keys, spot)
        if entry is None:
            is_whole = False
        else:
            if is_previous_known and entry.previous != previous:
                spot.note("sealed.previous", Kind.CHAIN_BROKEN)
                is_whole = False
            entries.append(entry)
        previous = None if sealed is None else base64url_digest(sealed)
        is_previous_known = sealed is not None
    return entries, is_whole


def _read(row: Row, sealed: bytes, keys: KeyRing, spot: Spot) -> Entry | None:
    document = open_document(sealed, keys, SealType.ENTRY, "ciphertext", spot)
    if document is None:
        return None
    try:
        entry = read_entry(document)
    except READING_ERRORS:
        spot.note("sealed", Kind.UNREADABLE)
        return None
    if (entry.subject_id, entry.number) != (row["subject_id"], row["number"]):
        spot.note("sealed.number", Kind.UNREADABLE)
        return None
    spot.compare(row, {"kind": entry.kind.value, "type": entry.type, "recorded_at": entry.recorded_at})
    return entry


def _check_projection(held: HeldRows, entries: list[Entry], keys: KeyRing, found: list[Finding]) -> None:
    expected = _derive(held, entries, keys, found)
    if expected is None:
        return
    for table in PROJECTION_TABLES:
        stored = {_key(table, row): row for row in held.all(table.name)}
        for row in expected.get(table.name, ()):
            _check_row(table, stored.pop(_key(table, row), None), row, found)
        for row in stored.values():
            held.spot(found, table.name, row).note("", Kind.UNEXPECTED_ROW)


def _derive(held: HeldRows, entries: list[Entry], keys: KeyRing, found: list[Finding]) -> Rows | None:
    try:
        return PROJECTIONS[entries[0].kind](entries, keys)
    except READING_ERRORS:
        Spot(found, _ENTRIES, f"{held.mandate_id}/0").note("sealed.details", Kind.UNREADABLE)
        return None


def _check_row(table: Table, stored: Row | None, expected: Mapping[str, Any], found: list[Finding]) -> None:
    spot = Spot(found, table.name, "/".join(map(str, _key(table, expected))))
    if stored is None:
        spot.note("", Kind.MISSING_ROW)
        return
    spot.compare(stored, expected)
    count = expected.get("entry_count")
    if count is not None and stored["entry_count"] > count:
        subject_id = _key(table, expected)[0]
        Spot(found, _ENTRIES, f"{subject_id}/{count}").note("", Kind.MISSING_ROW)


def _key(table: Table, row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[column.name] for column in table.primary_key)
