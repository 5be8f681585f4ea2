"""Entries: signed records of what is not a mandate: a request, a restriction, an approval.

Each of these is a list of entries that only grows: number 0 opens it, each later one tells what happened to
it. What it is now is derived from its entries, as a mandate's status is from its events.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from registry.domain.documents import Json, utc_text, utc_time

ENTRY_SCHEMA = "registry-entry/1"


class SubjectKind(StrEnum):
    """What a list of entries is about."""

    REQUEST = "request"
    RESTRICTION = "restriction"
    APPROVAL = "approval"


@dataclass(frozen=True, slots=True)
class Entry:
    """One signed record about a subject.

    `number` counts from 0; `previous` is the digest of the sealed bytes before it, None for the first.
    `type` is `noun.verbed`. `details` holds what belongs to the type, with who did it and their proof.
    """

    subject_id: UUID
    kind: SubjectKind
    number: int
    type: str
    recorded_at: datetime
    registered_by: str
    previous: str | None
    details: Mapping[str, Json]


def entry_document(entry: Entry) -> dict[str, Json]:
    """Show an entry as the document that the registry seals."""
    return {
        "schema": ENTRY_SCHEMA,
        "subject_id": str(entry.subject_id),
        "kind": entry.kind.value,
        "number": entry.number,
        "type": entry.type,
        "recorded_at": utc_text(entry.recorded_at),
        "registered_by": entry.registered_by,
        "previous": entry.previous,
        "details": dict(entry.details),
    }


def read_entry(document: Mapping[str, Any]) -> Entry:
    """Read what `entry_document` wrote. The document is the registry's own: faults are bugs (KeyError)."""
    return Entry(
        subject_id=UUID(document["subject_id"]),
        kind=SubjectKind(document["kind"]),
        number=document["number"],
        type=document["type"],
        recorded_at=utc_time(document["recorded_at"]),
        registered_by=document["registered_by"],
        previous=document["previous"],
        details=document["details"],
    )
