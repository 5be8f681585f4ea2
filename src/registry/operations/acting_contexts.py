"""Acting contexts: a permit that a representative carries from one e-service to the next."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from registry.domain.callers import Caller
from registry.domain.documents import Json, party_document
from registry.domain.errors import Fault, InvalidInputError
from registry.domain.parties import Party
from registry.domain.questions import Decision
from registry.operations.verify import AnsweredQuestion, AskedQuestion, Verifier, check_third_party
from registry.signing.acting_contexts import (
    ActingContext,
    CarriedApproval,
    InvalidContextError,
    open_context,
    seal_context,
)
from registry.signing.consistency import Position
from registry.signing.keys import KeyRing

LIFETIME = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class OpenedContext:
    """The answer to the question; the token and its end where it is a permit."""

    answered: AnsweredQuestion
    token: str | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Exchange:
    """What another e-service asks on the strength of a context.

    `principal` and `representative` are whom it takes them to be, None where it relies on the context.
    `document` is how it was asked, without the context.
    """

    token: str
    third_party: Party
    permissions: tuple[str, ...]
    document: Mapping[str, Json]
    principal: Party | None = None
    representative: Party | None = None
    service: str | None = None
    specifier: Mapping[str, str] | None = None
    at_least: Position | None = None
    approval_id: UUID | None = None
    content_digest: str | None = None


@dataclass(frozen=True, slots=True)
class ExchangedContext:
    """The answer, the question as its receipt may show it, and the parties; None unless it may be told."""

    answered: AnsweredQuestion
    document: Mapping[str, Json]
    principal: Party | None
    representative: Party | None


async def open_acting_context(
    verifier: Verifier, keys: KeyRing, asked: AskedQuestion, *, issuer: str
) -> OpenedContext:
    """Verify, and turn a permit into a token of at most 15 minutes, ending with the first of its mandates.

    A question about another time than the present opens none. Raises MissingScopeError, InvalidInputError,
    UnavailableError.
    """
    check_third_party(asked.caller, asked.third_party)
    faults = tuple(
        Fault(f"/{member}", "not_allowed", "Who acts now is asked for: leave this out.")
        for member, value in (("at", asked.at), ("known_at", asked.known_at))
        if value is not None
    )
    if faults:
        raise InvalidInputError(faults)
    answered = await verifier.answer_one(replace(asked, operation="acting_context"))
    if answered.answer.decision is not Decision.PERMIT:
        return OpenedContext(answered, None, None)
    now = asked.asked_at
    ends = [item.valid_until for item in answered.answer.permissions if item.valid_until is not None]
    permissions = answered.document["permissions"]
    context = ActingContext(
        id=answered.audit_id,
        third_party=asked.third_party,
        principal=asked.principal,
        principal_role=asked.principal_role,
        representative=asked.representative,
        together_with=asked.together_with,
        permissions=permissions if isinstance(permissions, list) else [],
        expires_at=min([now + LIFETIME, *ends]).replace(microsecond=0),
        approval=_approval_of(asked),
    )
    return OpenedContext(answered, seal_context(context, keys, issuer=issuer, now=now), context.expires_at)


async def exchange_acting_context(
    verifier: Verifier, keys: KeyRing, caller: Caller, exchange: Exchange, *, issuer: str, now: datetime
) -> ExchangedContext:
    """Verify for the parties of a context towards another third party: a question with an answer of its own.

    Where the caller names other parties than the context does, the answer is `party_mismatch`. Whom the
    context names is told only with an answer that does not deny. Raises InvalidInputError for a context that
    is forged, foreign or expired, MissingScopeError, UnavailableError.
    """
    check_third_party(caller, exchange.third_party)
    context = _open(exchange.token, keys, issuer=issuer, now=now)
    principal = exchange.principal or context.principal
    representative = exchange.representative or context.representative
    given = {name: value for name, value in exchange.document.items() if value is not None}
    shown = {"third_party": party_document(exchange.third_party), **given, "context_id": context.id}
    of_context: dict[str, Json] = {
        "principal": party_document(principal),
        "representative": party_document(representative),
    }
    approval_id, content_digest = exchange.approval_id, exchange.content_digest
    carried = _carried_approval(exchange, context)
    if carried is not None:
        approval_id, content_digest = carried.approval_id, carried.content_digest
        of_context |= {"approval_id": str(approval_id), "content_digest": content_digest}
    whole = of_context | shown
    answered = await verifier.answer_one(
        AskedQuestion(
            caller=caller,
            third_party=exchange.third_party,
            principal=principal,
            representative=representative,
            permissions=exchange.permissions,
            document=whole,
            asked_at=now,
            together_with=context.together_with,
            service=exchange.service,
            principal_role=context.principal_role,
            specifier=exchange.specifier or {},
            at_least=exchange.at_least,
            approval_id=approval_id,
            content_digest=content_digest,
            is_of_context=(principal, representative) == (context.principal, context.representative),
            operation="acting_context_exchange",
        )
    )
    if answered.answer.decision is Decision.DENY:
        return ExchangedContext(answered, shown, exchange.principal, exchange.representative)
    return ExchangedContext(answered, whole, principal, representative)


def _approval_of(asked: AskedQuestion) -> CarriedApproval | None:
    if asked.approval_id is None or asked.content_digest is None:
        return None
    return CarriedApproval(asked.approval_id, asked.content_digest)


def _carried_approval(exchange: Exchange, context: ActingContext) -> CarriedApproval | None:
    """The context's approval, where the exchange names none: it is good towards its third party alone."""
    is_named = exchange.approval_id is not None or exchange.content_digest is not None
    return None if is_named or exchange.third_party != context.third_party else context.approval


def _open(token: str, keys: KeyRing, *, issuer: str, now: datetime) -> ActingContext:
    try:
        return open_context(token, keys, issuer=issuer, now=now)
    except InvalidContextError as error:
        if error.is_expired:
            fault = Fault("/context", "context_expired", "The acting context is over: ask for a new one.")
        else:
            fault = Fault("/context", "context_invalid", "Send an acting context as this registry gave it.")
        raise InvalidInputError((fault,)) from None
