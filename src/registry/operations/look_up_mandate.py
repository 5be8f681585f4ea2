"""Look up mandates: one by id, many by search, the standing of many. Each look-up of a person is logged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from uuid_utils import uuid7

from registry.domain.callers import Caller
from registry.domain.documents import Json
from registry.domain.errors import NotFoundError
from registry.domain.events import MandateEvent, Status, read_event
from registry.domain.mandate import Mandate, Signature, read_record
from registry.domain.parties import Party
from registry.domain.template import SignatureMethod
from registry.identity.attachments import Attachment, read_attachment
from registry.operations.act_on_mandate import present_status, read_mandate, read_sealed
from registry.signing.canonical import base64url_digest
from registry.signing.records import SealType, open_seal
from registry.storage.access_log import AccessEntry, AccessLog
from registry.storage.database import WriteSession
from registry.storage.mandate_records import get_evidence, list_sealed_events, list_sealed_records
from registry.storage.mandate_search import MandateFilter, search_states
from registry.storage.mandate_states import MandateState, get_state, list_states
from registry.storage.secrets import get_secret


@dataclass(frozen=True, slots=True)
class FoundMandate:
    """A mandate with its status now and the digest of its sealed record."""

    mandate: Mandate
    status: Status
    record_digest: str


@dataclass(frozen=True, slots=True)
class FoundEvent:
    """An event with its exact sealed bytes."""

    event: MandateEvent
    sealed: bytes


async def get_mandate(log: AccessLog, caller: Caller, mandate_id: UUID, *, now: datetime) -> FoundMandate:
    """One mandate, to one of its parties. Raises NotFoundError for any other, UnavailableError."""
    async with log.database.transaction() as session:
        state = await find_seen(session, log, caller, mandate_id, "mandate", now=now)
        sealed = await read_sealed(session, log.keys, mandate_id)
    return _found(state, sealed, log, now)


async def get_record(log: AccessLog, caller: Caller, mandate_id: UUID, *, now: datetime) -> bytes:
    """The exact sealed bytes of a mandate. Raises as `get_mandate`."""
    async with log.database.transaction() as session:
        await find_seen(session, log, caller, mandate_id, "mandate_record", now=now)
        return await read_sealed(session, log.keys, mandate_id)


async def get_attachment(
    log: AccessLog, caller: Caller, mandate_id: UUID, position: int, *, now: datetime
) -> Attachment:
    """The scan of the paper original that one of a mandate's signatures attests, counted from 0.

    Raises NotFoundError where that signature has none, else as `get_mandate`.
    """
    async with log.database.transaction() as session:
        await find_seen(session, log, caller, mandate_id, "mandate_attachment", now=now)
        mandate = await read_mandate(session, log.keys, mandate_id)
        secret = await get_secret(session, log.keys, mandate_id)
        if secret is None or not is_scanned(mandate.signatures, position):
            raise NotFoundError
        evidence = await get_evidence(session, secret, mandate_id, position)
    return read_attachment(evidence.decode())


def is_scanned(signatures: Sequence[Signature], position: int) -> bool:
    """Whether there is this signature, counted from 0, and it comes with a scan."""
    return position < len(signatures) and signatures[position].method is SignatureMethod.PAPER


async def list_events(
    log: AccessLog, caller: Caller, mandate_id: UUID, *, now: datetime
) -> tuple[Mandate, bytes, list[FoundEvent]]:
    """The mandate, its sealed record (which is the event of its issue), and what happened since.

    Oldest first. Raises as `get_mandate`.
    """
    async with log.database.transaction() as session:
        await find_seen(session, log, caller, mandate_id, "mandate_events", now=now)
        sealed = await read_sealed(session, log.keys, mandate_id)
        mandate = await read_mandate(session, log.keys, mandate_id)
        secret = await get_secret(session, log.keys, mandate_id)
        if secret is None:
            raise NotFoundError
        stored = await list_sealed_events(session, secret, mandate_id)
    events = [
        FoundEvent(read_event(open_seal(item.sealed, log.keys, SealType.EVENT)), item.sealed)
        for item in stored
    ]
    return mandate, sealed, events


async def search_mandates(
    log: AccessLog,
    caller: Caller,
    wanted: MandateFilter,
    *,
    document: Mapping[str, Json],
    after: UUID | None,
    limit: int,
) -> list[FoundMandate]:
    """A page of the mandates that the caller's organisation has a part in, in the order of issue.

    `document` is the search as asked, for the access log. Raises UnavailableError.
    """
    async with log.database.transaction() as session:
        states = await search_states(
            session,
            log.keys,
            wanted,
            seen_by=caller.organisation,
            departments=caller.departments,
            after=after,
            limit=limit,
        )
        sealed = await list_sealed_records(session, log.keys, [state.mandate_id for state in states])
        found: list[Json] = [str(mandate_id) for mandate_id in sealed]
        details = {**document, "found": found}
        await log.append_within(
            session, _search_entry(log, caller, wanted, details), mandate_ids=list(sealed)
        )
    return [
        _found(state, sealed[state.mandate_id], log, wanted.now)
        for state in states
        if state.mandate_id in sealed
    ]


async def list_statuses(
    log: AccessLog, caller: Caller, mandate_ids: Sequence[UUID], *, now: datetime
) -> dict[UUID, Status]:
    """The status now of those mandates that the caller's organisation has a part in.

    The access log gets one row for all. Raises UnavailableError.
    """
    entry = AccessEntry(
        id=str(uuid7()),
        at=now,
        client_id=caller.client_id,
        operation="mandate_status",
        details={"mandate_ids": [str(mandate_id) for mandate_id in mandate_ids]},
    )
    async with log.database.transaction() as session:
        states = await list_states(
            session, log.keys, mandate_ids, seen_by=caller.organisation, departments=caller.departments
        )
        await log.append_within(session, entry, mandate_ids=[state.mandate_id for state in states])
    return {state.mandate_id: present_status(state, now) for state in states}


async def find_seen(
    session: WriteSession, log: AccessLog, caller: Caller, mandate_id: UUID, operation: str, *, now: datetime
) -> MandateState:
    """A mandate that the caller is a party of, once this look-up is on record under `operation`.

    Raises NotFoundError, UnavailableError.
    """
    state = await get_state(
        session, log.keys, mandate_id, seen_by=caller.organisation, departments=caller.departments
    )
    if state is None:
        raise NotFoundError
    entry = AccessEntry(
        id=str(uuid7()),
        at=now,
        client_id=caller.client_id,
        operation=operation,
        details={"mandate_id": str(mandate_id)},
        principal_index=state.principal_index,
    )
    await log.append_within(session, entry, mandate_ids=[mandate_id])
    return state


def _search_entry(
    log: AccessLog, caller: Caller, wanted: MandateFilter, document: Mapping[str, Json]
) -> AccessEntry:
    def index(party: Party | None) -> bytes | None:
        return None if party is None else log.keys.party_index(party)

    return AccessEntry(
        id=str(uuid7()),
        at=wanted.now,
        client_id=caller.client_id,
        operation="mandate_search",
        details=document,
        principal_index=index(wanted.principal),
        representative_index=index(wanted.representative),
    )


def _found(state: MandateState, sealed: bytes, log: AccessLog, now: datetime) -> FoundMandate:
    mandate = read_record(open_seal(sealed, log.keys, SealType.MANDATE))
    return FoundMandate(mandate, present_status(state, now), base64url_digest(sealed))
