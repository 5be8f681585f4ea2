"""Checking mandates: every row of each, against what its own sealed record and events say. Pure."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from registry.domain.events import ENDINGS, MandateEvent
from registry.domain.mandate import Mandate
from registry.domain.template import TemplateContent, text_document
from registry.fsck.entries import check_entries, has_entries, note_unexpected
from registry.fsck.findings import Finding, Kind, Row, Spot
from registry.fsck.history import HeldRows, History, open_history
from registry.fsck.rows import MANDATE_TABLES, SUBJECT_TABLES, Batch, TemplateKey, row_id
from registry.fsck.sealed import open_ciphertext, open_document, open_secret, read_publication
from registry.signing.canonical import base64url_digest, canonical_bytes
from registry.signing.keys import KeyRing
from registry.signing.records import SealType
from registry.storage.access_log import month_secret_id
from registry.storage.mandate_records import evidence_place
from registry.storage.projection import open_use_rows, projected_rows

_KEYS = {table.name: next(iter(table.primary_key)).name for table in SUBJECT_TABLES}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a batch shows. Where `wanted` is not empty, it is to be asked again with these publications."""

    findings: list[Finding]
    wanted: frozenset[TemplateKey] = frozenset()


@dataclass(slots=True)
class Templates:
    """The template versions of one batch, each read once from its sealed publication."""

    keys: KeyRing
    publications: Mapping[TemplateKey, bytes | None]
    wanted: set[TemplateKey] = field(default_factory=set)
    _read: dict[TemplateKey, TemplateContent | None] = field(default_factory=dict)
    _digests: dict[tuple[TemplateKey, str], str] = field(default_factory=dict)

    def find(self, key: TemplateKey) -> TemplateContent | None:
        """The content of a version; None where its publication is missing or damaged."""
        if key not in self.publications:
            self.wanted.add(key)
            return None
        if key not in self._read:
            self._read[key] = self._open(key)
        return self._read[key]

    def text_digest(self, key: TemplateKey, template: TemplateContent, language: str) -> str:
        """The digest of the text in one language."""
        if (key, language) not in self._digests:
            text = canonical_bytes(text_document(template, language))
            self._digests[key, language] = base64url_digest(text)
        return self._digests[key, language]

    def _open(self, key: TemplateKey) -> TemplateContent | None:
        # What is wrong with a publication is noted where templates are checked, once.
        spot = Spot([], "template_publications", "")
        sealed = self.publications[key]
        document = None if sealed is None else open_document(sealed, self.keys, SealType.TEMPLATE, "", spot)
        if document is None or (document.get("template_id"), document.get("version")) != (
            str(key[0]),
            key[1],
        ):
            return None
        return read_publication(document, spot)


def check_mandates(batch: Batch, keys: KeyRing) -> Outcome:
    """Check every mandate and every list of entries of a batch, and that no row stands without one."""
    templates = Templates(keys, batch.publications)
    found: list[Finding] = []
    for held in hold_rows(batch):
        record = held.one("mandate_records")
        if record is None:
            if has_entries(held):
                check_entries(held, keys, found)
            else:
                _note_strays(held, keys, found)
            continue
        note_unexpected(held, found, but={table.name for table in MANDATE_TABLES})
        history = open_history(held, record, keys, found)
        _check_evidence(held, history, found)
        _check_ending(held, history, found)
        _check_projection(held, history, templates, found)
    return Outcome(found, frozenset(templates.wanted))


def hold_rows(batch: Batch) -> list[HeldRows]:
    """Sort the rows of a batch by mandate."""
    by_mandate: dict[UUID, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for table, rows in batch.rows.items():
        for row in rows:
            by_mandate[row[_KEYS[table]]][table].append(row)
    return [HeldRows(mandate_id, by_mandate[mandate_id]) for mandate_id in sorted(by_mandate)]


def derive(history: History, templates: Templates) -> tuple[dict[str, Any], list[dict[str, Any]]] | str:
    """The rows that project a mandate, or the name of the table that is too damaged to tell."""
    if history.broken is not None or history.mandate is None:
        return history.broken or "mandate_records"
    template = templates.find(template_key(history.mandate))
    if template is None:
        return "template_publications"
    return projected_rows(history.mandate, template, templates.keys, history.sealed, history.events)


def ending_of(history: History) -> MandateEvent | None:
    """The event that ended the mandate, if one did and can be read."""
    return next((event for event, _ in history.events if event.type in ENDINGS), None)


def _check_ending(held: HeldRows, history: History, found: list[Finding]) -> None:
    row, event = held.one("mandate_endings"), ending_of(history)
    spot = held.spot(found, "mandate_endings")
    if event is not None and row is not None:
        spot.compare(row, {"event_id": event.id, "type": event.type.value, "ended_at": event.at})
    elif event is not None:
        spot.note("", Kind.MISSING_ROW)
    elif row is not None:
        spot.note(history.broken or "", Kind.UNVERIFIABLE if history.broken else Kind.UNEXPECTED_ROW)


def _check_evidence(held: HeldRows, history: History, found: list[Finding]) -> None:
    signatures = None if history.mandate is None else history.mandate.signatures
    rows = {row["position"]: row for row in held.all("mandate_evidence")}
    for position in range(len(signatures or ())):
        if position not in rows:
            Spot(found, "mandate_evidence", f"{held.mandate_id}/{position}").note("", Kind.MISSING_ROW)
    for position, row in rows.items():
        spot = held.spot(found, "mandate_evidence", row)
        if history.secret is None:
            continue
        evidence = open_ciphertext(row, history.secret, evidence_place(held.mandate_id, position), spot)
        if signatures is None:
            continue
        if not 0 <= position < len(signatures):
            spot.note("", Kind.UNEXPECTED_ROW)
        elif evidence is not None and base64url_digest(evidence) != signatures[position].evidence_digest:
            spot.note("ciphertext", Kind.DIGEST_MISMATCH)


def _check_projection(held: HeldRows, history: History, templates: Templates, found: list[Finding]) -> None:
    spot = held.spot(found, "mandate_states")
    derived = derive(history, templates)
    if isinstance(derived, str):
        spot.note(derived, Kind.UNVERIFIABLE)
        return
    _check_text(history, templates, held.spot(found, "mandate_records"))
    state, expected = derived
    stored = held.one("mandate_states")
    if stored is None:
        spot.note("", Kind.MISSING_ROW)
    else:
        spot.compare(stored, as_far_as_derived(state, stored))
        if stored["event_count"] > state["event_count"] and stored["last_digest"] != state["last_digest"]:
            lost = f"{held.mandate_id}/{state['event_count'] + 1}"
            Spot(found, "mandate_events", lost).note("", Kind.MISSING_ROW)
    rows = {row["position"]: row for row in held.all("representations")}
    for position, row in enumerate(expected):
        place = Spot(found, "representations", f"{held.mandate_id}/{position}")
        if position in rows:
            place.compare(rows.pop(position), row)
        else:
            place.note("", Kind.MISSING_ROW)
    for row in rows.values():
        held.spot(found, "representations", row).note("", Kind.UNEXPECTED_ROW)
    _check_open_uses(held, history, found)


def as_far_as_derived(state: Row, stored: Row) -> Row:
    """What to expect of a stored row: one of before there was a column may lack it until it is rebuilt."""
    if stored["organisation_indexes"] is not None:
        return state
    return {name: value for name, value in state.items() if name != "organisation_indexes"}


def _check_open_uses(held: HeldRows, history: History, found: list[Finding]) -> None:
    stored = {row["use_id"]: row for row in held.all("open_uses")}
    for row in open_use_rows(event for event, _ in history.events):
        place = Spot(found, "open_uses", row_id("open_uses", row))
        if row["use_id"] in stored:
            place.compare(stored.pop(row["use_id"]), row)
        else:
            place.note("", Kind.MISSING_ROW)
    for row in stored.values():
        held.spot(found, "open_uses", row).note("", Kind.UNEXPECTED_ROW)


def _check_text(history: History, templates: Templates, spot: Spot) -> None:
    if history.mandate is None:
        return
    content, key = history.mandate.content, template_key(history.mandate)
    template = templates.find(key)
    if template is not None and content.text_digest != templates.text_digest(key, template, content.language):
        spot.note("sealed.content.template.text_digest", Kind.DIGEST_MISMATCH)


def _note_strays(held: HeldRows, keys: KeyRing, found: list[Finding]) -> None:
    """Rows without a record: all are unexpected but a data key of a month of the access log."""
    secret = held.one("erasable_secrets")
    if secret is not None and not _is_month_secret(secret):
        # A data key is written with the record that it is for.
        held.spot(found, "mandate_records").note("", Kind.MISSING_ROW)
    for table, rows in held.rows.items():
        for row in rows:
            spot = Spot(found, table, row_id(table, row))
            if table == "erasable_secrets" and _is_month_secret(row):
                open_secret(row, keys, spot)
            else:
                spot.note("", Kind.UNEXPECTED_ROW)


def _is_month_secret(row: Row) -> bool:
    created_at = row["created_at"]
    # A time that cannot be read comes as a number.
    return not isinstance(created_at, int) and row["subject_id"] == month_secret_id(created_at)


def template_key(mandate: Mandate) -> TemplateKey:
    """The template version that a mandate was signed on."""
    return mandate.content.template_id, mandate.content.template_version
