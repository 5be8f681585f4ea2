"""One mandate's sealed history, opened and checked: the record, then its events in an unbroken chain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from registry.domain.events import MandateEvent, read_event
from registry.domain.mandate import Mandate, read_record
from registry.fsck.findings import Finding, Kind, Row, Spot
from registry.fsck.rows import row_id
from registry.fsck.sealed import READING_ERRORS, open_document, open_sealed, open_secret
from registry.signing.canonical import base64url_digest, canonical_bytes
from registry.signing.encryption import DataSecret
from registry.signing.keys import KeyRing
from registry.signing.records import SealType
from registry.storage.mandate_records import event_place, record_place


@dataclass(frozen=True, slots=True)
class HeldRows:
    """Every stored row of one mandate, by table."""

    mandate_id: UUID
    rows: Mapping[str, Sequence[Row]]

    def all(self, table: str) -> Sequence[Row]:
        """The mandate's rows in a table, in the order of their keys."""
        return self.rows.get(table, ())

    def one(self, table: str) -> Row | None:
        """The mandate's row in a table that has at most one."""
        return next(iter(self.all(table)), None)

    def spot(self, found: list[Finding], table: str, row: Row | None = None) -> Spot:
        """Where to note what is wrong with a row, or with the mandate's one row, be it there or not."""
        return Spot(found, table, str(self.mandate_id) if row is None else row_id(table, row))


@dataclass(slots=True)
class History:
    """What the sealed bytes of a mandate say.

    `broken` names what could not be read, or what is missing before what could: then nothing can be
    derived from the rest.
    """

    secret: DataSecret | None = None
    mandate: Mandate | None = None
    sealed: bytes = b""
    events: list[tuple[MandateEvent, bytes]] = field(default_factory=list)
    broken: str | None = None


def open_history(held: HeldRows, record: Row, keys: KeyRing, found: list[Finding]) -> History:
    """Open the record and every event, check them against their rows and each against the one before."""
    history = History()
    spot = held.spot(found, "erasable_secrets")
    wrapped = held.one("erasable_secrets")
    if wrapped is None:
        spot.note("", Kind.MISSING_SECRET)
    else:
        history.secret = open_secret(wrapped, keys, spot)
    if wrapped is None or history.secret is None:
        held.spot(found, "mandate_records").note("erasable_secrets", Kind.UNVERIFIABLE)
        history.broken = "erasable_secrets"
        return history
    _open_record(held, record, history.secret, history, keys, found)
    if history.mandate is not None:
        spot.compare(wrapped, {"created_at": history.mandate.issued_at})
    _open_events(held, history.secret, history, keys, found)
    return history


def _open_record(
    held: HeldRows, row: Row, secret: DataSecret, history: History, keys: KeyRing, found: list[Finding]
) -> None:
    spot = held.spot(found, "mandate_records")
    history.broken = "mandate_records"
    sealed = open_sealed(row, secret, record_place(held.mandate_id), spot)
    if sealed is None:
        return
    history.sealed = sealed
    document = open_document(sealed, keys, SealType.MANDATE, "ciphertext", spot)
    if document is None:
        return
    try:
        mandate = read_record(document)
        content_digest = base64url_digest(canonical_bytes(document["content"]))
    except READING_ERRORS:
        spot.note("sealed", Kind.UNREADABLE)
        return
    if mandate.id != held.mandate_id:
        spot.note("sealed.id", Kind.UNREADABLE)
        return
    if mandate.content_digest != content_digest:
        spot.note("sealed.content_digest", Kind.DIGEST_MISMATCH)
    if (mandate.content.parent,) != (mandate.ancestors[-1:] or (None,)):
        spot.note("sealed.ancestors", Kind.UNREADABLE)
    spot.compare(row, {"issued_at": mandate.issued_at})
    history.mandate, history.broken = mandate, None


def _open_events(
    held: HeldRows, secret: DataSecret, history: History, keys: KeyRing, found: list[Finding]
) -> None:
    """Events are read also where what came before them cannot be: each for itself is checked all the same."""
    previous = base64url_digest(history.sealed) if history.sealed else None
    number = 0
    for row in held.all("mandate_events"):
        spot = held.spot(found, "mandate_events", row)
        if row["number"] != number + 1:
            if row["number"] > number + 1:
                Spot(found, "mandate_events", f"{held.mandate_id}/{number + 1}").note("", Kind.MISSING_ROW)
            spot.note("number", Kind.NUMBER_GAP)
            history.broken = history.broken or "mandate_events"
            previous = None
        number = row["number"]
        sealed = open_sealed(row, secret, event_place(held.mandate_id, number), spot)
        event = None if sealed is None else _read_event(row, sealed, keys, spot)
        if sealed is None or event is None:
            history.broken = history.broken or "mandate_events"
        else:
            if previous is not None and event.previous != previous:
                spot.note("sealed.previous", Kind.CHAIN_BROKEN)
                history.broken = history.broken or "mandate_events"
            history.events.append((event, sealed))
        previous = None if sealed is None else base64url_digest(sealed)


def _read_event(row: Row, sealed: bytes, keys: KeyRing, spot: Spot) -> MandateEvent | None:
    document = open_document(sealed, keys, SealType.EVENT, "ciphertext", spot)
    if document is None:
        return None
    try:
        event = read_event(document)
    except READING_ERRORS:
        spot.note("sealed", Kind.UNREADABLE)
        return None
    if (event.mandate_id, event.number) != (row["mandate_id"], row["number"]):
        spot.note("sealed.number", Kind.UNREADABLE)
        return None
    spot.compare(row, {"event_id": event.id, "type": event.type.value, "recorded_at": event.recorded_at})
    return event
