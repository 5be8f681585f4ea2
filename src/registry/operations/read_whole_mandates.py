"""Read mandates whole: record, status now, terms, and how each was ended. Each look-up is logged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from uuid_utils import uuid7

from registry.domain.callers import Caller
from registry.domain.documents import Document, Json
from registry.domain.errors import NotFoundError
from registry.domain.events import ENDINGS, MandateEvent, Status, read_event
from registry.domain.mandate import Mandate, read_record
from registry.domain.parties import Party
from registry.domain.template import MandateKind, TemplateContent
from registry.operations.act_on_mandate import present_status
from registry.signing.records import SealType, open_seal
from registry.storage.access_log import AccessEntry, AccessLog
from registry.storage.database import WriteSession
from registry.storage.mandate_records import list_sealed_events, list_sealed_records
from registry.storage.mandate_search import MandateFilter, page_states
from registry.storage.mandate_states import MandateState, get_state
from registry.storage.secrets import list_secrets
from registry.storage.templates import get_versions


@dataclass(frozen=True, slots=True)
class WholeMandate:
    """A mandate with its status now, the terms that it was signed on, and the event that ended it, if any."""

    mandate: Mandate
    status: Status
    terms: TemplateContent
    ending: MandateEvent | None


async def get_whole_mandate(
    log: AccessLog,
    caller: Caller,
    mandate_id: UUID,
    *,
    kind: MandateKind,
    third_party: Party,
    document: Document,
    now: datetime,
) -> WholeMandate:
    """One mandate of this kind at this third party, to one of its parties.

    `document` is how it was asked, for the access log. Raises NotFoundError for any other, UnavailableError.
    """
    async with log.database.transaction() as session:
        state = await get_state(
            session, log.keys, mandate_id, seen_by=caller.organisation, departments=caller.departments
        )
        if state is None or state.third_party != str(third_party):
            raise NotFoundError
        found = await _read(session, log, [state], now)
        if not found or found[0].mandate.content.kind is not kind:
            raise NotFoundError
        entry = AccessEntry(
            id=str(uuid7()),
            at=now,
            client_id=caller.client_id,
            operation="mandate",
            details={**document, "mandate_id": str(mandate_id)},
            principal_index=state.principal_index,
        )
        await log.append_within(session, entry, mandate_ids=[mandate_id])
    return found[0]


async def search_whole_mandates(
    log: AccessLog,
    caller: Caller,
    wanted: MandateFilter,
    *,
    document: Mapping[str, Json],
    offset: int,
    limit: int,
) -> tuple[list[WholeMandate], int]:
    """Some of the mandates that the caller's organisation has a part in, in the order of issue, and how many.

    From the place `offset` on, at most `limit`. `document` is the search as asked, for the access log.
    Raises UnavailableError.
    """
    async with log.database.transaction() as session:
        states, total = await page_states(
            session,
            log.keys,
            wanted,
            seen_by=caller.organisation,
            departments=caller.departments,
            offset=offset,
            limit=limit,
        )
        found = await _read(session, log, states, wanted.now)
        ids = [item.mandate.id for item in found]
        shown: list[Json] = [str(mandate_id) for mandate_id in ids]
        entry = AccessEntry(
            id=str(uuid7()),
            at=wanted.now,
            client_id=caller.client_id,
            operation="mandate_search",
            details={**document, "found": shown},
            principal_index=None if wanted.principal is None else log.keys.party_index(wanted.principal),
            representative_index=None
            if wanted.representative is None
            else log.keys.party_index(wanted.representative),
        )
        await log.append_within(session, entry, mandate_ids=ids)
    return found, total


async def _read(
    session: WriteSession, log: AccessLog, states: Sequence[MandateState], now: datetime
) -> list[WholeMandate]:
    """The mandates in these states; erased ones are left out."""
    sealed = await list_sealed_records(session, log.keys, [state.mandate_id for state in states])
    terms = await get_versions(session, {(state.template_id, state.template_version) for state in states})
    endings = await _list_endings(session, log, states)
    return [
        WholeMandate(
            mandate=read_record(open_seal(sealed[state.mandate_id], log.keys, SealType.MANDATE)),
            status=present_status(state, now),
            terms=terms[state.template_id, state.template_version].content,
            ending=endings.get(state.mandate_id),
        )
        for state in states
        if state.mandate_id in sealed
    ]


async def _list_endings(
    session: WriteSession, log: AccessLog, states: Sequence[MandateState]
) -> dict[UUID, MandateEvent]:
    ended = [
        state.mandate_id
        for state in states
        if any(change.type in ENDINGS for change in state.lifetime.changes)
    ]
    if not ended:
        return {}
    secrets = await list_secrets(session, log.keys, ended)
    endings = {}
    for mandate_id, secret in secrets.items():
        stored = await list_sealed_events(session, secret, mandate_id)
        sealed = next(item.sealed for item in stored if item.type in ENDINGS)
        endings[mandate_id] = read_event(open_seal(sealed, log.keys, SealType.EVENT))
    return endings
