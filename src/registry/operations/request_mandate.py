"""Ask for a mandate: what is to be signed is fixed, to the byte, and waits for its signatures."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

from registry.domain.callers import Caller
from registry.domain.delegation import grantors_of
from registry.domain.documents import utc_text
from registry.domain.entries import SubjectKind
from registry.domain.errors import Fault, InvalidInputError
from registry.domain.issuance import MandateProposal
from registry.domain.mandate import Capacity
from registry.domain.notices import FeedEventType
from registry.domain.request import (
    MandateRequest,
    RequestEntry,
    asked_signers,
    created_details,
)
from registry.domain.return_urls import may_return_to
from registry.domain.signing_rules import expected_capacity
from registry.domain.template import TemplateVersion
from registry.identity.sources import Sources
from registry.operations.announce import announce_request
from registry.operations.draft_template import is_own
from registry.operations.examine_mandate import ExaminedMandate, Stage, examine_mandate
from registry.operations.record_entry import open_entries
from registry.signing.encodings import encode_base64url
from registry.signing.keys import KeyRing
from registry.storage.clients import get_client
from registry.storage.database import Database
from registry.storage.idempotency import IdempotentRequest, claim_key, find_earlier, record_effect
from registry.storage.request_states import add_request_state
from registry.storage.templates import get_version


@dataclass(frozen=True, slots=True)
class AskedMandate:
    """What is asked for. `expires_in_days` None means as long as the template lets a request wait."""

    proposal: MandateProposal
    return_url: str | None = None
    expires_in_days: int | None = None


async def request_mandate(
    database: Database,
    keys: KeyRing,
    sources: Sources,
    caller: Caller,
    asked: AskedMandate,
    idempotent: IdempotentRequest,
    *,
    now: datetime,
) -> UUID:
    """Make a mandate request and return its id; the same request under the same key gives the same id again.

    Asked by the template's third party, or by the principal's own organisation, which may not state who
    signs for it: that takes a register or the third party. Committed when this returns. Raises
    InvalidInputError with every fault, ForbiddenError, IdempotencyKeyReusedError, RequestInProgressError,
    UnavailableError.
    """
    async with database.reading() as session:
        earlier = await find_earlier(session, idempotent)
        template = await get_version(session, asked.proposal.template_id, asked.proposal.template_version)
        client = await get_client(session, caller.client_id)
    if earlier is not None:
        return earlier.object_id
    allowed = () if client is None else client.return_urls
    faults = [*_check_terms(asked, template, allowed), *_check_stated_rule(caller, asked.proposal, template)]
    try:
        examined = await examine_mandate(
            database,
            keys,
            sources,
            caller,
            asked.proposal,
            (),
            stage=Stage.REQUEST,
            now=now,
        )
    except InvalidInputError as error:
        raise InvalidInputError((*error.faults, *faults)) from error
    request = _new_request(caller, asked, examined, now)
    faults += _check_signable(request)
    if faults:
        raise InvalidInputError(tuple(faults))
    async with database.transaction() as session:
        earlier = await claim_key(session, idempotent)
        if earlier is not None:
            return earlier.object_id
        details = created_details(request)
        opening = await open_entries(
            session, keys, caller, SubjectKind.REQUEST, request.id, RequestEntry.CREATED, details, now=now
        )
        await add_request_state(session, keys, opening.entry)
        told = {"expires_at": utc_text(request.expires_at)}
        await announce_request(session, keys, request, FeedEventType.REQUEST_CREATED, told, at=now)
        await record_effect(session, idempotent, request.id, now=now)
    return request.id


def _new_request(
    caller: Caller, asked: AskedMandate, examined: ExaminedMandate, now: datetime
) -> MandateRequest:
    template, content = examined.template.content, examined.content
    days = asked.expires_in_days or template.signing.request_lifetime_days
    expires_at = now + timedelta(days=days)
    return MandateRequest(
        id=uuid7(),
        asked_by=caller.organisation,
        capacity=expected_capacity(content, template),
        content=content,
        content_digest=encode_base64url(examined.digest),
        created_at=now,
        # Nothing is granted by signing once the mandate's own time is over.
        expires_at=min(expires_at, content.valid_until or expires_at),
        return_url=asked.return_url,
        grantors=None if examined.chain is None else grantors_of(examined.chain),
        ancestors=() if examined.chain is None else examined.chain.ids,
    )


def _check_terms(
    asked: AskedMandate, template: TemplateVersion | None, allowed: tuple[str, ...]
) -> Iterator[Fault]:
    if template is not None and asked.expires_in_days is not None:
        longest = template.content.signing.request_lifetime_days
        if asked.expires_in_days > longest:
            message = f"The template lets a request wait for at most {longest} days."
            yield Fault("/expires_in_days", "too_long", message)
    if asked.return_url is not None and not may_return_to(asked.return_url, allowed):
        message = "Signers are sent back only to addresses that were registered for this client."
        yield Fault("/return_url", "not_allowed", message)


def _check_stated_rule(
    caller: Caller, proposal: MandateProposal, template: TemplateVersion | None
) -> Iterator[Fault]:
    """Who may sign for an organisation is not for its own systems to say."""
    details = proposal.principal_details
    if template is None or is_own(caller, template) or details is None or details.signatory_rule is None:
        return
    yield Fault(
        "/principal_details/signatory_rule",
        "not_yours_to_state",
        "Leave the rule out: the third party or a company register states who signs for the organisation.",
    )


def _check_signable(request: MandateRequest) -> Iterator[Fault]:
    if request.capacity is Capacity.SIGNATORY and not asked_signers(request):
        yield Fault(
            "/principal_details/signatory_rule",
            "missing",
            "State who may sign for the organisation, with its source.",
        )
