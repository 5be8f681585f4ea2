"""The projection: what queries see of mandates. Derived from the sealed records, rebuildable from them.

`state_row`, `representation_rows`, `event_columns` and `projected_rows` are pure, so that writing and
`registry fsck` derive the same rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select, tuple_, update

from registry.domain.documents import utc_text, utc_time
from registry.domain.events import ENDINGS, Change, EventType, MandateEvent, is_suspended
from registry.domain.mandate import Mandate
from registry.domain.parties import PartyType
from registry.domain.template import TemplateContent
from registry.signing.canonical import canonical_bytes, digest
from registry.signing.keys import KeyRing
from registry.storage.database import WriteSession, any_of
from registry.storage.tables import mandate_states, open_uses, representations
from registry.storage.timers import add_timers, remove_timers

_OVER = frozenset({EventType.USED_UP, *ENDINGS})
_STATUS_EVENTS = frozenset({EventType.SUSPENDED, EventType.RESUMED, *_OVER})


def specifier_index(keys: KeyRing, specifier: Mapping[str, str]) -> bytes | None:
    """The blind index of a specifier; None for none, so that equal specifiers have equal indexes."""
    return keys.blind_index(f"specifier:{canonical_bytes(dict(specifier)).decode()}") if specifier else None


def content_index(keys: KeyRing, content_digest: str) -> bytes:
    """The blind index of what was signed: one signature makes one mandate, also after that has ended."""
    return keys.blind_index(f"content:{content_digest}")


def state_row(mandate: Mandate, template: TemplateContent, keys: KeyRing, sealed: bytes) -> dict[str, Any]:
    """The row of `mandate_states` for a mandate without events."""
    return {
        **_shared_columns(mandate, keys),
        "content_index": content_index(keys, mandate.content_digest),
        "kind": mandate.content.kind.value,
        "basis": mandate.content.basis.value,
        "template_id": mandate.content.template_id,
        "template_version": mandate.content.template_version,
        "event_count": 0,
        "last_digest": digest(sealed),
        "uses": 0,
        "max_uses": template.exercise.max_uses,
        "changes": [],
        "ended_at": None,
        "used_up_at": None,
        "is_suspended": False,
        "organisation_indexes": organisation_indexes(mandate, keys),
    }


def organisation_indexes(mandate: Mandate, keys: KeyRing) -> list[bytes]:
    """The blind indexes of principal and representatives as far as they are organisations, in order."""
    named = (mandate.content.principal, *mandate.content.representatives)
    organisations = {item.party for item in named if item.party.type is PartyType.ORGANISATION}
    return sorted(keys.party_index(party) for party in organisations)


def open_use_rows(events: Iterable[MandateEvent]) -> list[dict[str, Any]]:
    """The rows of `open_uses` after these events, oldest first: the uses that none of them closed."""
    rows = {}
    for event in events:
        if event.type is EventType.USED:
            rows[str(event.id)] = open_use_row(event)
        elif event.type is EventType.USE_CLOSED:
            rows.pop(str(event.details["use_id"]), None)
    return list(rows.values())


def open_use_row(event: MandateEvent) -> dict[str, Any]:
    """The row of `open_uses` for a use that is recorded now."""
    return {"mandate_id": event.mandate_id, "use_id": event.id, "number": event.number}


def representation_rows(mandate: Mandate, template: TemplateContent, keys: KeyRing) -> list[dict[str, Any]]:
    """The rows of `representations` for a mandate without events: one per representative."""
    return [
        {
            **_shared_columns(mandate, keys),
            "position": position,
            "representative_index": keys.party_index(representative.party),
            "services": list(template.services),
            "changes": None,
            "together": template.exercise.together,
            "approval": template.exercise.approval,
            "principal_below": template.age_limits.principal_below,
            "representative_from": template.age_limits.representative_from,
        }
        for position, representative in enumerate(mandate.content.representatives)
    ]


def event_columns(state: dict[str, Any], event: MandateEvent, sealed: bytes) -> dict[str, Any]:
    """The columns of `mandate_states` that an event changes, from the row before it."""
    changes = [*state["changes"]]
    if event.type in _STATUS_EVENTS:
        changes.append([event.type.value, utc_text(event.at), utc_text(event.recorded_at)])
    return {
        "event_count": event.number,
        "last_digest": digest(sealed),
        "uses": state["uses"] + (event.type is EventType.USED),
        "changes": changes,
        "ended_at": event.at if event.type in ENDINGS else state["ended_at"],
        "used_up_at": event.at if event.type is EventType.USED_UP else state["used_up_at"],
        "is_suspended": is_suspended(read_changes(changes)),
    }


def projected_rows(
    mandate: Mandate,
    template: TemplateContent,
    keys: KeyRing,
    sealed: bytes,
    events: Iterable[tuple[MandateEvent, bytes]],
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The row of `mandate_states` and the rows of `representations` after these events, oldest first.

    `sealed` is the sealed record; each event comes with its own sealed bytes.
    """
    state = state_row(mandate, template, keys, sealed)
    for event, sealed_event in events:
        state |= event_columns(state, event, sealed_event)
    changes = state["changes"] or None
    return state, [{**row, "changes": changes} for row in representation_rows(mandate, template, keys)]


def read_changes(changes: Iterable[Any] | None) -> tuple[Change, ...]:
    """Read the `changes` column."""
    return tuple(Change(EventType(kind), utc_time(at), utc_time(known)) for kind, at, known in changes or ())


async def add_projection(
    session: WriteSession, mandate: Mandate, template: TemplateContent, keys: KeyRing, sealed: bytes
) -> None:
    """Project a newly issued mandate."""
    await session.execute(insert(mandate_states).values(state_row(mandate, template, keys, sealed)))
    await session.execute(insert(representations), representation_rows(mandate, template, keys))
    await add_timers(session, [(mandate, template)])


async def apply_events(session: WriteSession, events: Sequence[tuple[MandateEvent, bytes]]) -> None:
    """Project events, each with its sealed bytes: one on each of several mandates that are locked."""
    ids = [event.mandate_id for event, _ in events]
    rows = await session.execute(select(mandate_states).where(mandate_states.c.mandate_id == any_of(ids)))
    before = {row.mandate_id: dict(row._mapping) for row in rows}  # noqa: SLF001  # SQLAlchemy's public name
    changed = [
        {"changed_id": event.mandate_id, **event_columns(before[event.mandate_id], event, sealed)}
        for event, sealed in events
    ]
    await session.execute(
        update(mandate_states).where(mandate_states.c.mandate_id == bindparam("changed_id")), changed
    )
    turned = {event.mandate_id for event, _ in events if event.type in _STATUS_EVENTS}
    if turned:
        await session.execute(
            update(representations).where(representations.c.mandate_id == bindparam("changed_id")),
            [
                {"changed_id": columns["changed_id"], "changes": columns["changes"]}
                for columns in changed
                if columns["changed_id"] in turned
            ],
        )
    over = [event.mandate_id for event, _ in events if event.type in _OVER]
    if over:
        await remove_timers(session, over)
    await _apply_uses(session, [event for event, _ in events])


async def _apply_uses(session: WriteSession, events: Sequence[MandateEvent]) -> None:
    opened = [open_use_row(event) for event in events if event.type is EventType.USED]
    if opened:
        await session.execute(insert(open_uses), opened)
    closed = [
        (event.mandate_id, UUID(str(event.details["use_id"])))
        for event in events
        if event.type is EventType.USE_CLOSED
    ]
    if closed:
        key = tuple_(open_uses.c.mandate_id, open_uses.c.use_id)
        await session.execute(delete(open_uses).where(key.in_(closed)))


def _shared_columns(mandate: Mandate, keys: KeyRing) -> dict[str, Any]:
    content = mandate.content
    return {
        "mandate_id": mandate.id,
        "third_party": str(content.third_party.party),
        "principal_index": keys.party_index(content.principal.party),
        "principal_role": content.principal_role.value,
        "specifier_index": specifier_index(keys, content.specifier),
        "permissions": list(content.permissions),
        "valid_from": content.valid_from,
        "valid_until": content.valid_until,
        "issued_at": mandate.issued_at,
        "ancestors": list(mandate.ancestors) or None,
    }
