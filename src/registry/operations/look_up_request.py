"""Look up mandate requests: one by id, many by search. Each look-up is logged."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from uuid_utils import uuid7

from registry.domain.callers import Caller
from registry.domain.documents import Json
from registry.domain.errors import NotFoundError
from registry.domain.mandate import content_document
from registry.domain.parties import Party
from registry.domain.request import (
    MandateRequest,
    RequestEnding,
    RequestStatus,
    asked_signers,
    ending_of_request,
    may_see_signers,
    status_of_request,
)
from registry.identity.attachments import Attachment, read_attachment
from registry.operations.act_on_request import HeldRequest, find_request, read_requests
from registry.operations.look_up_mandate import is_scanned
from registry.signing.canonical import canonical_bytes
from registry.signing.keys import KeyRing
from registry.storage.access_log import AccessEntry, AccessLog
from registry.storage.request_states import RequestFilter, search_requests


@dataclass(frozen=True, slots=True)
class FoundRequest:
    """A request with its status now. `to_be_signed` are the RFC 8785 bytes that were fixed when it was made.

    `shows_signers` unless the caller is only a representative: then who may sign is not for it to know.
    """

    request: MandateRequest
    status: RequestStatus
    ending: RequestEnding | None
    to_be_signed: bytes
    shows_signers: bool


async def get_request(
    log: AccessLog, caller: Caller, request_id: UUID, *, person: Party | None, now: datetime
) -> FoundRequest:
    """One request, to those who have a part in it. Raises NotFoundError for any other, UnavailableError."""
    async with log.database.transaction() as session:
        held = await find_request(session, log.keys, request_id, caller, person)
        await log.append_within(session, _entry(log, caller, held, "mandate_request", now=now))
    return _found(held, held.seen_by, now)


async def get_request_attachment(
    log: AccessLog, caller: Caller, request_id: UUID, position: int, *, person: Party | None, now: datetime
) -> Attachment:
    """The scan of the paper original that one of a request's signatures attests, counted from 0.

    Raises NotFoundError where that signature has none, and to who may not know the signers; else as
    `get_request`.
    """
    async with log.database.transaction() as session:
        held = await find_request(session, log.keys, request_id, caller, person)
        request = held.request
        await log.append_within(session, _entry(log, caller, held, "mandate_request_attachment", now=now))
    if not (may_see_signers(request, held.seen_by) and is_scanned(request.signatures, position)):
        raise NotFoundError
    return read_attachment(request.evidence[position])


def _entry(
    log: AccessLog, caller: Caller, held: HeldRequest, operation: str, *, now: datetime
) -> AccessEntry:
    return AccessEntry(
        id=str(uuid7()),
        at=now,
        client_id=caller.client_id,
        operation=operation,
        details={"request_id": str(held.request.id)},
        principal_index=log.keys.party_index(held.request.content.principal.party),
        persons=_shown_in(log.keys, [held], held.seen_by),
    )


async def find_requests(
    log: AccessLog,
    caller: Caller,
    wanted: RequestFilter,
    *,
    document: Mapping[str, Json],
    after: UUID | None,
    limit: int,
) -> list[FoundRequest]:
    """A page of the requests that the caller's organisation has a part in, in the order they were made.

    `document` is the search as asked, for the access log. Raises UnavailableError.
    """
    async with log.database.transaction() as session:
        ids = await search_requests(
            session,
            log.keys,
            wanted,
            seen_by=caller.organisation,
            departments=caller.departments,
            after=after,
            limit=limit,
        )
        held = await read_requests(session, log.keys, ids)
        found: list[Json] = [str(request_id) for request_id in ids]
        entry = AccessEntry(
            id=str(uuid7()),
            at=wanted.now,
            client_id=caller.client_id,
            operation="mandate_request_search",
            details={**document, "found": found},
            principal_index=None if wanted.principal is None else log.keys.party_index(wanted.principal),
            persons=_shown_in(log.keys, held.values(), (caller.organisation,)),
        )
        await log.append_within(session, entry)
    seen_by = (caller.organisation,)
    return [_found(held[item], seen_by, wanted.now) for item in ids if item in held]


def _shown_in(keys: KeyRing, found: Iterable[HeldRequest], seen_by: tuple[Party, ...]) -> list[bytes]:
    """Whom requests show to these: principals, representatives, and who may sign where that is shown."""
    parties: set[Party] = set()
    for request in (held.request for held in found):
        content = request.content
        parties.add(content.principal.party)
        parties.update(named.party for named in content.representatives)
        if may_see_signers(request, seen_by):
            parties.update(asked_signers(request))
    return [keys.party_index(party) for party in parties]


def _found(held: HeldRequest, seen_by: tuple[Party, ...], now: datetime) -> FoundRequest:
    request = held.request
    return FoundRequest(
        request=request,
        status=status_of_request(request, now),
        ending=ending_of_request(request, now),
        to_be_signed=canonical_bytes(content_document(request.content)),
        shows_signers=may_see_signers(request, seen_by),
    )
