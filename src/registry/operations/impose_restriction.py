"""Impose a restriction, and lift it: from then on it wins over every mandate, or no longer does."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from registry.domain.callers import Caller, Scope
from registry.domain.documents import Json, party_document
from registry.domain.entries import SubjectKind
from registry.domain.errors import ForbiddenError, InvalidInputError, MissingScopeError, NotFoundError
from registry.domain.notices import FeedEventType
from registry.domain.parties import NamedParty
from registry.domain.restrictions import (
    IMPOSED,
    LIFTED,
    AlreadyLiftedError,
    Imposition,
    Restriction,
    RestrictionScope,
    check_imposition,
    imposition_document,
    read_restriction,
)
from registry.operations.announce import announce, circle_of_restriction
from registry.operations.record_entry import append_entry, open_entries
from registry.signing.keys import KeyRing
from registry.storage.database import Database
from registry.storage.idempotency import IdempotentRequest, claim_key, record_effect
from registry.storage.restrictions import add_restriction_state, lock_restriction, mark_lifted
from registry.storage.sealed_entries import list_entries


@dataclass(frozen=True, slots=True)
class NewRestriction:
    """A restriction as asked for. `valid_from` None is from now on, `third_party` None everywhere."""

    subject: NamedParty
    scope: RestrictionScope
    reason: str
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    representative: NamedParty | None = None
    service: str | None = None
    third_party: NamedParty | None = None


async def impose_restriction(
    database: Database,
    keys: KeyRing,
    caller: Caller,
    new: NewRestriction,
    idempotent: IdempotentRequest,
    *,
    now: datetime,
) -> UUID:
    """Impose a restriction; returns its id. Every verification that begins after this returns counts it.

    An organisation imposes towards itself; everywhere, or towards another, takes `registry:admin`. The same
    request under the same key is one restriction. Committed when this returns. Raises InvalidInputError
    with every fault, MissingScopeError, IdempotencyKeyReusedError, RequestInProgressError, UnavailableError.
    """
    if new.third_party is None or new.third_party.party != caller.organisation:
        _require_administrator(caller)
    imposition = Imposition(
        subject=new.subject,
        scope=new.scope,
        imposed_by=caller.organisation,
        valid_from=new.valid_from or now,
        reason=new.reason,
        valid_until=new.valid_until,
        representative=new.representative,
        service=new.service,
        third_party=new.third_party,
    )
    async with database.transaction() as session:
        earlier = await claim_key(session, idempotent)
        if earlier is not None:
            return earlier.object_id
        faults = check_imposition(imposition)
        if faults:
            raise InvalidInputError(faults)
        restriction_id = uuid7()
        opened = await open_entries(
            session,
            keys,
            caller,
            SubjectKind.RESTRICTION,
            restriction_id,
            IMPOSED,
            imposition_document(imposition),
            now=now,
        )
        await add_restriction_state(session, keys, opened.entry)
        circle = circle_of_restriction(keys, imposition)
        await announce(session, circle, FeedEventType.RESTRICTION_IMPOSED, restriction_id, {}, at=now)
        await record_effect(session, idempotent, restriction_id, now=now)
    return restriction_id


async def lift_restriction(
    database: Database, keys: KeyRing, caller: Caller, restriction_id: UUID, reason: str, *, now: datetime
) -> Restriction:
    """Lift a restriction that the caller's organisation imposed, or any with `registry:admin`.

    The first of racing liftings wins. Committed when this returns. Raises NotFoundError, ForbiddenError for
    one who has a part in it but did not impose it, AlreadyLiftedError, UnavailableError.
    """
    is_admin = Scope.REGISTRY_ADMIN in caller.scopes
    async with database.transaction() as session:
        seen_by = None if is_admin else caller.organisation
        if not await lock_restriction(session, keys, restriction_id, seen_by=seen_by):
            raise NotFoundError
        entries = (await list_entries(session, keys, [restriction_id])).get(restriction_id)
        if entries is None:
            raise NotFoundError
        restriction = read_restriction([item.entry for item in entries])
        if not is_admin and restriction.imposition.imposed_by != caller.organisation:
            raise ForbiddenError("A restriction is lifted by the organisation that imposed it.")
        if restriction.lifting is not None:
            raise AlreadyLiftedError
        details: dict[str, Json] = {"lifted_by": party_document(caller.organisation), "reason": reason}
        appended = await append_entry(session, keys, caller, entries, LIFTED, details, now=now)
        told = [*(item.entry for item in entries), appended.entry]
        lifted = read_restriction(told)
        await mark_lifted(session, lifted, entry_count=len(told))
        circle = circle_of_restriction(keys, restriction.imposition)
        lifted_at = appended.entry.recorded_at
        await announce(session, circle, FeedEventType.RESTRICTION_LIFTED, restriction_id, {}, at=lifted_at)
    return lifted


def _require_administrator(caller: Caller) -> None:
    if Scope.REGISTRY_ADMIN not in caller.scopes:
        raise MissingScopeError(
            Scope.REGISTRY_ADMIN.value,
            f"Name your own organisation as `third_party`: towards another, or all, takes the scope "
            f"`{Scope.REGISTRY_ADMIN}`.",
        )
