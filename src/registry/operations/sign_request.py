"""Sign a mandate request: one signature per call, and the last one that is missing makes the mandate."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from registry.domain.callers import Caller
from registry.domain.documents import Json
from registry.domain.errors import Fault, ForbiddenError, InvalidInputError
from registry.domain.issuance import check_content
from registry.domain.mandate import Mandate, Signature
from registry.domain.notices import FeedEventType
from registry.domain.parties import Party
from registry.domain.request import (
    AlreadySignedError,
    MandateRequest,
    NotGrantableError,
    RequestEntry,
    RequestStatus,
    signed_details,
)
from registry.domain.signing_rules import check_signatures
from registry.domain.template import TemplateVersion
from registry.identity.issuers import TrustedIssuers
from registry.operations.act_on_request import (
    HeldRequest,
    check_pending,
    find_request,
    hold_request,
    record_request_entry,
)
from registry.operations.announce import announce_request
from registry.operations.evidence import ClaimedSignature, check_evidence
from registry.operations.issue_mandate import record_issue
from registry.signing.encodings import decode_base64url
from registry.signing.keys import KeyRing
from registry.storage.database import Database, WriteSession
from registry.storage.idempotency import IdempotentRequest, claim_key, find_earlier, record_effect
from registry.storage.templates import get_version, lock_template

_IN_THE_LIST = "/signatures/0"


@dataclass(frozen=True, slots=True)
class DeliveredSignature:
    """A signature as delivered. `person` is whom an id token named, where one came with it."""

    claimed: ClaimedSignature
    person: Party | None = None


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What a signature brought about: the request waits for others, or has become a mandate."""

    request_id: UUID
    status: RequestStatus
    mandate_id: UUID | None
    at: datetime


async def sign_request(
    database: Database,
    keys: KeyRing,
    issuers: TrustedIssuers,
    caller: Caller,
    request_id: UUID,
    delivered: DeliveredSignature,
    idempotent: IdempotentRequest,
    *,
    now: datetime,
) -> SignedRequest:
    """Verify one signature over the request's content and record it; committed when this returns.

    With the last missing one the mandate is issued in the same transaction, exactly as it was signed. Acts
    on one request take turns: of racing signers one comes last, and a request that is over takes none.
    Where the mandate cannot be issued any more, nothing is recorded, so that the signer is told: a retired
    template is NotGrantableError for every signer, what is in force already for the last one.

    Raises NotFoundError, ForbiddenError, InvalidInputError, RequestOverError, AlreadySignedError,
    NotGrantableError, AlreadyInForceError, AlreadyIssuedError, MandateOverError, IdempotencyKeyReusedError,
    RequestInProgressError, UnavailableError.
    """
    async with database.reading() as session:
        found = await find_request(session, keys, request_id, caller, delivered.person)
        earlier = await find_earlier(session, idempotent)
    if earlier is not None:
        return _outcome(found, earlier.object_version)
    check_pending(found.request, now)
    signature = await _verify(issuers, caller, found, delivered, now=now)
    async with database.transaction() as session:
        earlier = await claim_key(session, idempotent)
        held = await hold_request(session, keys, request_id, caller, delivered.person)
        if earlier is not None:
            return _outcome(held, earlier.object_version)
        check_pending(held.request, now)
        template = await _check_grantable(session, held.request, now)
        is_complete = _check_signature(held.request, signature, template, now)
        number = len(held.entries)
        details = signed_details(signature, delivered.claimed.evidence)
        held = await record_request_entry(session, keys, caller, held, RequestEntry.SIGNED, details, now=now)
        if is_complete:
            held = await _issue(session, keys, caller, held, template, now=now)
        outcome = _outcome(held, number)
        await _announce(session, keys, held.request, outcome)
        await record_effect(session, idempotent, request_id, number, now=now)
    return outcome


async def _verify(
    issuers: TrustedIssuers,
    caller: Caller,
    found: HeldRequest,
    delivered: DeliveredSignature,
    *,
    now: datetime,
) -> Signature:
    """The signature, if its evidence holds for exactly this content, delivered by one who may."""
    request = found.request
    content_digest = decode_base64url(request.content_digest)
    checked = await check_evidence(
        [delivered.claimed], issuers, caller, content_digest=content_digest, now=now
    )
    if checked.faults:
        raise InvalidInputError(tuple(_in_body(fault) for fault in checked.faults))
    (signature,) = checked.signatures
    if signature.registrar is not None:
        # What an employee attests, the third party answers for: another organisation's has no say here.
        third_party = request.content.third_party.party
        if caller.organisation != third_party or third_party not in found.seen_by:
            raise ForbiddenError("Only an employee of the third party attests a signature on its behalf.")
    elif delivered.person not in {None, signature.signer.party}:
        raise ForbiddenError("The id token and the signature name different persons.")
    return signature


async def _check_grantable(session: WriteSession, request: MandateRequest, now: datetime) -> TemplateVersion:
    """The template, locked against changes, on which the content can still be granted.

    A version that was replaced after the request was made serves it: it was current when it was asked for.
    """
    content = request.content
    await lock_template(session, content.template_id, shared=True)
    template = await get_version(session, content.template_id, content.template_version)
    if template is None:
        raise RuntimeError("a published template version is never removed")
    faults = check_content(content, template, signed_at=request.created_at, now=now)
    if faults:
        raise NotGrantableError(faults)
    return template


def _check_signature(
    request: MandateRequest, signature: Signature, template: TemplateVersion, now: datetime
) -> bool:
    """Whether the new signature completes the request. Raises what keeps it from being taken."""
    if any(earlier.signer.party == signature.signer.party for earlier in request.signatures):
        raise AlreadySignedError
    faults = check_signatures(
        request.content,
        (*request.signatures, signature),
        template.content,
        grantors=request.grantors,
        now=now,
    )
    place = f"/signatures/{len(request.signatures)}"
    own = tuple(
        replace(fault, pointer=fault.pointer.removeprefix(place))
        for fault in faults
        if fault.pointer == place or fault.pointer.startswith(f"{place}/")
    )
    if own:
        raise InvalidInputError(own)
    return not faults


async def _issue(
    session: WriteSession,
    keys: KeyRing,
    caller: Caller,
    held: HeldRequest,
    template: TemplateVersion,
    *,
    now: datetime,
) -> HeldRequest:
    request = held.request
    mandate = Mandate(
        id=uuid7(),
        content=request.content,
        content_digest=request.content_digest,
        signatures=request.signatures,
        issued_at=now,
        registered_by=caller.urn,
        ancestors=request.ancestors,
        request_id=request.id,
    )
    claimed = [
        ClaimedSignature(item.capacity, item.method, item.evidence_format, evidence, item.signer)
        for item, evidence in zip(request.signatures, request.evidence, strict=True)
    ]
    # Whoever delivers the last signature, what is superseded is the third party's to see.
    for_third_party = replace(caller, organisation=request.content.third_party.party, departments=frozenset())
    try:
        await record_issue(session, keys, for_third_party, mandate, template, claimed, now=now)
    except InvalidInputError as error:
        raise NotGrantableError(error.faults) from error
    details = {"mandate_id": str(mandate.id)}
    return await record_request_entry(session, keys, caller, held, RequestEntry.ISSUED, details, now=now)


async def _announce(
    session: WriteSession, keys: KeyRing, request: MandateRequest, outcome: SignedRequest
) -> None:
    mandate_id = None if outcome.mandate_id is None else str(outcome.mandate_id)
    told: dict[str, Json] = {"status": outcome.status.value, "mandate_id": mandate_id}
    await announce_request(session, keys, request, FeedEventType.REQUEST_SIGNED, told, at=outcome.at)


def _outcome(held: HeldRequest, number: int | None) -> SignedRequest:
    """What the signature of this number brought about, when it was made."""
    if number is None:
        raise RuntimeError("the number of its entry is kept with every signature")
    at, ending = held.entries[number].entry.recorded_at, held.request.ending
    followed_by = [item.entry.type for item in held.entries[number + 1 : number + 2]]
    if ending is None or followed_by != [RequestEntry.ISSUED]:
        return SignedRequest(held.request.id, RequestStatus.PENDING, None, at)
    return SignedRequest(held.request.id, RequestStatus.ISSUED, ending.mandate_id, at)


def _in_body(fault: Fault) -> Fault:
    """The fault of the only signature, which is the whole body here."""
    return replace(fault, pointer=fault.pointer.removeprefix(_IN_THE_LIST))
