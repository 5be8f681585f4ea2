"""Record attempts: what was answered, how each delivery goes on, and what it says of its endpoint."""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import structlog
from uuid_utils.compat import uuid7

from registry.domain.documents import Json
from registry.domain.endpoints import PING, Attempt, DeliveryState, DisabledReason, ExhaustedReason
from registry.domain.notices import FeedEventType, Notice
from registry.signing.keys import KeyRing
from registry.storage.database import Database, WriteSession
from registry.storage.delivery_queue import (
    Claim,
    Settlement,
    list_failing_since,
    note_failures,
    release,
    settle,
)
from registry.storage.endpoint_deliveries import add_attempts, attempt_row
from registry.storage.endpoints import DisabledEndpoint, disable_endpoints, mark_proven
from registry.storage.outbox import enqueue
from registry.storage.secrets import list_secrets
from registry.webhooks.schedule import Verdict, has_failed_too_long, judge, plan_retry, read_retry_after
from registry.webhooks.sender import Answer

_UNTOLD = frozenset({PING, FeedEventType.ENDPOINT_DISABLED.value, FeedEventType.DELIVERY_EXHAUSTED.value})
"""Nobody is told that these are exhausted: endpoints that all fail would tell each other for ever."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Tried:
    """An attempt that was made. `answer` None: the event could not be made into a message.

    `is_proven` tells of a ping to a pending endpoint whether that proved its wish.
    """

    claim: Claim
    at: datetime
    answer: Answer | None
    is_proven: bool = False


@dataclass(frozen=True, slots=True)
class _Judged:
    tried: Tried
    verdict: Verdict
    settlement: Settlement
    pause_until: datetime | None = None

    @property
    def endpoint_id(self) -> UUID:
        return self.tried.claim.endpoint_id


async def record_attempts(
    database: Database,
    keys: KeyRing,
    tried: Sequence[Tried],
    *,
    now: datetime,
    chance: Callable[[], float] = random.random,
) -> None:
    """Record what came of attempts, in one transaction, committed when this returns.

    An endpoint that answers 410, fails for five days, or never proves its wish is disabled, and its owner
    told, as of a delivery that is exhausted. An attempt whose lease had ended is recorded, and decides
    nothing. Raises UnavailableError.
    """
    judged = [_judge(item, now, chance()) for item in tried]
    async with database.transaction() as session:
        # Endpoints before their deliveries: in this order acts of their owners lock them, too.
        judged = [await _prove(session, item, now) for item in judged]
        disabled = await disable_endpoints(session, await _failed_for_good(session, judged, now), now=now)
        settled = await settle(session, [item.settlement for item in judged], now=now)
        await _add_history(session, keys, tried)
        await _note_paces(session, judged, now)
        notices = [endpoint_disabled(endpoint, now) for endpoint in disabled]
        exhausted = [item.settlement for item in judged if item.settlement.claim.id in settled]
        await enqueue(session, [*notices, *_exhausted(exhausted, now)])
    for endpoint in disabled:
        _log.warning("webhooks.endpoint_disabled", endpoint=str(endpoint.id), reason=endpoint.reason.value)


async def release_deliveries(database: Database, claims: Sequence[Claim], *, now: datetime) -> None:
    """Give back leases of deliveries that were not tried to the end, at once for other workers to take."""
    async with database.transaction() as session:
        await release(session, claims, now=now)


def _judge(tried: Tried, now: datetime, chance: float) -> _Judged:
    claim, answer = tried.claim, tried.answer
    if answer is None:
        lost = Settlement(claim, DeliveryState.EXHAUSTED, ExhaustedReason.UNSERIALISABLE)
        return _Judged(tried, Verdict.DELIVERED, lost)
    verdict = judge(answer.status)
    if claim.is_proof:
        # A status alone is no consent.
        refused = Verdict.FAILED if verdict is Verdict.DELIVERED else verdict
        verdict = Verdict.DELIVERED if tried.is_proven else refused
    if verdict is Verdict.DELIVERED:
        return _Judged(tried, verdict, Settlement(claim, DeliveryState.DELIVERED))
    retry_after = read_retry_after(answer.headers.get("retry-after"), now)
    retry = plan_retry(claim.tries, verdict, retry_after, now=now, chance=chance)
    if retry.at is None:
        settlement = Settlement(claim, DeliveryState.EXHAUSTED, ExhaustedReason.TRIES)
    else:
        settlement = Settlement(claim, DeliveryState.WAITING, due_at=retry.at)
    return _Judged(tried, verdict, settlement, retry.pause_until)


async def _prove(session: WriteSession, item: _Judged, now: datetime) -> _Judged:
    """Enable an endpoint that proved its wish; one that was changed since it was asked is asked again."""
    claim = item.tried.claim
    if not item.tried.is_proven or await mark_proven(
        session, claim.endpoint_id, claim.endpoint_version, now=now
    ):
        return item
    return replace(item, settlement=Settlement(claim, DeliveryState.WAITING, due_at=now))


async def _failed_for_good(
    session: WriteSession, judged: Iterable[_Judged], now: datetime
) -> dict[UUID, tuple[DisabledReason, int]]:
    """The endpoints that are to be disabled, why, and the version that this is about."""
    failed = [item for item in judged if item.verdict is not Verdict.DELIVERED]
    succeeded = {item.endpoint_id for item in judged if item.verdict is Verdict.DELIVERED}
    since = await list_failing_since(session, {item.endpoint_id for item in failed} - succeeded)
    reasons: dict[UUID, tuple[DisabledReason, int]] = {}
    for item in failed:
        version = item.tried.claim.endpoint_version
        if item.verdict is Verdict.GONE:
            reasons[item.endpoint_id] = DisabledReason.GONE, version
        elif item.tried.claim.is_proof and item.settlement.state is DeliveryState.EXHAUSTED:
            reasons.setdefault(item.endpoint_id, (DisabledReason.UNPROVEN, version))
        elif has_failed_too_long(since.get(item.endpoint_id), now):
            reasons.setdefault(item.endpoint_id, (DisabledReason.FAILING, version))
    return reasons


async def _add_history(session: WriteSession, keys: KeyRing, tried: Sequence[Tried]) -> None:
    secrets = await list_secrets(session, keys, list({item.claim.endpoint_id for item in tried}))
    await add_attempts(
        session,
        [
            attempt_row(
                item.claim.endpoint_id, item.claim.id, _attempt(item), secrets[item.claim.endpoint_id]
            )
            for item in tried
            if item.claim.endpoint_id in secrets
        ],
    )


def _attempt(tried: Tried) -> Attempt:
    number, answer = tried.claim.number, tried.answer
    if answer is None:
        return Attempt(number, tried.at, None, ExhaustedReason.UNSERIALISABLE.value, 0, None)
    failure = None if answer.failure is None else answer.failure.value
    # Who has not proved that it wants deliveries is not shown what an address answers.
    shown = None if tried.claim.is_proof else answer.body
    return Attempt(number, tried.at, answer.status, failure, answer.duration_ms, shown)


async def _note_paces(session: WriteSession, judged: Iterable[_Judged], now: datetime) -> None:
    sent = [item for item in judged if item.tried.answer is not None]
    succeeded = {item.endpoint_id for item in sent if item.verdict is Verdict.DELIVERED}
    failed: dict[UUID, datetime | None] = {}
    for item in sent:
        if item.verdict is Verdict.DELIVERED or (item.endpoint_id in succeeded and item.pause_until is None):
            continue
        pauses = [pause for pause in (failed.get(item.endpoint_id), item.pause_until) if pause is not None]
        failed[item.endpoint_id] = max(pauses, default=None)
    await note_failures(session, sorted(succeeded), failed, now=now)


def endpoint_disabled(endpoint: DisabledEndpoint, now: datetime) -> Notice:
    """What the owner of an endpoint is told when the registry disables it."""
    owner = endpoint.audience, endpoint.departments
    details: dict[str, Json] = {"reason": endpoint.reason.value}
    return _notice(FeedEventType.ENDPOINT_DISABLED, endpoint.id, owner, details, now)


def _exhausted(settlements: Iterable[Settlement], now: datetime) -> list[Notice]:
    return [
        _notice(
            FeedEventType.DELIVERY_EXHAUSTED,
            item.claim.id,
            (item.claim.audience, item.claim.departments),
            {"endpoint_id": str(item.claim.endpoint_id), "reason": item.reason.value},
            now,
        )
        for item in settlements
        if item.reason is not None and item.claim.type not in _UNTOLD
    ]


def _notice(
    event_type: FeedEventType,
    subject_id: UUID,
    owner: tuple[bytes, Sequence[str]],
    details: dict[str, Json],
    now: datetime,
) -> Notice:
    """For the owner alone: the organisation, and of its limited clients those of the (first) department."""
    audience, departments = owner
    return Notice(
        uuid7(),
        event_type,
        now,
        subject_id,
        frozenset({audience}),
        third_party=audience,
        department=next(iter(departments), None),
        details=details,
    )
