"""The feed: what one organisation was told, in order and without holes; webhooks send the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from registry.domain.documents import Json, utc_text
from registry.domain.errors import RegistryError
from registry.domain.notices import FeedEventType


@dataclass(frozen=True, slots=True)
class OpenCase:
    """A use that nobody has closed, with the reference of its case; None where the mandate was erased."""

    use_id: UUID
    case_ref: str | None


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """An event as one organisation sees it.

    `sequence` counts that organisation's events from 1, without holes. `open_cases` are those that this
    organisation has open under a mandate that ends, or is about to; empty for everything else.
    """

    id: UUID
    type: FeedEventType
    sequence: int
    occurred_at: datetime
    subject_id: UUID
    template_id: UUID | None
    template_version: int | None
    services: Sequence[str]
    notify: Sequence[str]
    details: Mapping[str, Json]
    open_cases: Sequence[OpenCase] = ()


class EventsForgottenError(RegistryError):
    """What happened since is kept no longer: begin anew without `after`, and look up what you hold."""


def feed_document(event: FeedEvent, *, cases: int | None = None) -> dict[str, Json]:
    """Show an event as the feed gives it; the body of a webhook holds the same as `data`.

    `cases` is how many open cases to name at most, where there is no room for all of them.
    """
    return {
        "id": str(event.id),
        "type": event.type.value,
        "sequence": event.sequence,
        "occurred_at": utc_text(event.occurred_at),
        f"{event.type.subject}_id": str(event.subject_id),
        "template_id": None if event.template_id is None else str(event.template_id),
        "template_version": event.template_version,
        "services": list(event.services),
        "notify": list(event.notify),
        "details": dict(event.details),
        "open_cases": [
            {"use_id": str(case.use_id), "case_ref": case.case_ref} for case in event.open_cases[:cases]
        ],
        "open_case_count": len(event.open_cases),
    }
