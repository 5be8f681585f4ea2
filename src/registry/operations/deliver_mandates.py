"""Deliver statutory mandates: an authority's own, under its own key, replaced as a whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from registry.domain.callers import Caller
from registry.domain.deliveries import (
    REPLACED,
    DeliveryKey,
    check_is_statutory,
    delivered_document,
    find_overlaps,
)
from registry.domain.documents import Document
from registry.domain.errors import AlreadyInForceError, Fault, ForbiddenError, InvalidInputError
from registry.domain.events import Author, EventType
from registry.domain.issuance import MandateProposal, check_content, choose_language, complete
from registry.domain.mandate import (
    Capacity,
    Mandate,
    MandateContent,
    Signature,
    content_document,
    record_document,
)
from registry.domain.revocation import is_over
from registry.domain.template import (
    Role,
    SignatureMethod,
    TemplateStatus,
    TemplateVersion,
    text_document,
)
from registry.operations.act_on_mandate import present_status
from registry.operations.announce import announce_issues
from registry.operations.draft_template import is_own
from registry.operations.end_mandate import end_mandate
from registry.operations.record_event import NewEvent
from registry.signing.canonical import base64url_digest, canonical_bytes
from registry.signing.keys import KeyRing
from registry.signing.records import SealType, seal
from registry.storage.database import Database, WriteSession
from registry.storage.mandate_states import list_states, lock_state
from registry.storage.many_mandates import NewMandate, add_mandates
from registry.storage.statutory_deliveries import (
    find_any_in_force,
    list_delivered,
    lock_all_grants,
    lock_delivery,
    put_delivery,
)
from registry.storage.templates import get_versions, lock_template

Templates = Mapping[tuple[UUID, int], TemplateVersion]


@dataclass(frozen=True, slots=True)
class DeliveredMandate:
    """One mandate of a delivery; `document` is how the authority wrote it, which is its evidence."""

    proposal: MandateProposal
    document: Document


@dataclass(frozen=True, slots=True)
class DeliveryOutcome:
    """The mandates in the order delivered, which of them are new, which ended, and when it last changed."""

    mandate_ids: tuple[UUID, ...]
    new: frozenset[UUID]
    ended: tuple[UUID, ...]
    delivered_at: datetime


async def deliver_mandates(
    database: Database,
    keys: KeyRing,
    caller: Caller,
    delivery: DeliveryKey,
    items: Sequence[DeliveredMandate],
    *,
    now: datetime,
) -> DeliveryOutcome:
    """Make the mandates under a key those delivered; committed when this returns.

    Those that are no longer delivered end, new ones are issued, the rest stay as they are, all in one
    transaction; the same delivery again changes nothing. Of two under one key the second waits for the
    first and replaces it. Raises InvalidInputError with every fault; ForbiddenError for another
    organisation's or department's template or delivery; AlreadyInForceError for a mandate that stands
    outside this delivery; UnavailableError.
    """
    evidence = [canonical_bytes(delivered_document(delivery, item.document)) for item in items]
    _check_repeated(evidence)
    async with database.transaction() as session:
        stored = await lock_delivery(session, caller.organisation, delivery)
        before = () if stored is None else stored.mandate_ids
        await _check_departments(session, keys, caller, before)
        standing = await list_delivered(session, keys, before)
        kept = {data: standing[data] for data in evidence if data in standing}
        gone = sorted(set(before) - set(kept.values()))
        added = [place for place, data in enumerate(evidence) if data not in kept]
        if stored is not None and not gone and not added:
            return DeliveryOutcome(
                tuple(kept[data] for data in evidence), frozenset(), (), stored.delivered_at
            )
        templates = await _hold_templates(session, [items[place].proposal for place in added])
        new = _examine(keys, caller, templates, items, evidence, added, now=now)
        contents = [item.mandate.content for item in new.values()]
        await lock_all_grants(session, contents, keys)
        ended = await _end(session, keys, caller, gone, delivery, now=now)
        in_force = await find_any_in_force(session, contents, keys)
        if in_force is not None:
            raise AlreadyInForceError(in_force)
        await add_mandates(session, keys, list(new.values()))
        await announce_issues(session, keys, [item.mandate for item in new.values()])
        ids = tuple(
            kept[data] if data in kept else new[place].mandate.id for place, data in enumerate(evidence)
        )
        await put_delivery(session, caller.organisation, delivery, ids, now=now)
    return DeliveryOutcome(ids, frozenset(item.mandate.id for item in new.values()), ended, now)


def _check_repeated(evidence: Sequence[bytes]) -> None:
    seen: set[bytes] = set()
    faults = []
    for place, data in enumerate(evidence):
        if data in seen:
            faults.append(Fault(f"/mandates/{place}", "repeated", "Deliver each mandate once."))
        seen.add(data)
    if faults:
        raise InvalidInputError(tuple(faults))


async def _check_departments(
    session: WriteSession, keys: KeyRing, caller: Caller, mandate_ids: Sequence[UUID]
) -> None:
    visible = await list_states(
        session, keys, mandate_ids, seen_by=caller.organisation, departments=caller.departments
    )
    if len(visible) != len(set(mandate_ids)):
        raise ForbiddenError("Another department delivers under this key.")


async def _hold_templates(session: WriteSession, proposals: Sequence[MandateProposal]) -> Templates:
    """The templates, which nobody can retire or replace until this act is over."""
    wanted = {(item.template_id, item.template_version) for item in proposals}
    for template_id in sorted({template_id for template_id, _ in wanted}):
        await lock_template(session, template_id, shared=True)
    return await get_versions(session, wanted)


def _examine(
    keys: KeyRing,
    caller: Caller,
    templates: Templates,
    items: Sequence[DeliveredMandate],
    evidence: Sequence[bytes],
    places: Sequence[int],
    *,
    now: datetime,
) -> dict[int, NewMandate]:
    """Check every rule for what is new, all faults at once."""
    new: dict[int, NewMandate] = {}
    faults: list[Fault] = []
    for place in places:
        proposal = items[place].proposal
        template = templates.get((proposal.template_id, proposal.template_version))
        if template is None or (template.status is TemplateStatus.DRAFT and not is_own(caller, template)):
            message = "There is no such template version."
            faults.append(Fault(f"/mandates/{place}/template", "unknown_template", message))
            continue
        if not is_own(caller, template):
            raise ForbiddenError("Mandates are delivered by clients of the template's third party.")
        mandate = _mandate(caller, proposal, template, evidence[place], now=now)
        sealed = seal(record_document(mandate), keys, SealType.MANDATE, now=now)
        new[place] = NewMandate(mandate, template.content, sealed, evidence[place])
        # The signature that delivering makes is right on every template that an authority signs by itself.
        found = (
            *check_is_statutory(template.content),
            *check_content(mandate.content, template, signed_at=now, now=now),
        )
        faults += [replace(fault, pointer=f"/mandates/{place}{fault.pointer}") for fault in found]
    order = list(new)
    for first, second in find_overlaps([item.mandate.content for item in new.values()]):
        message = f"It repeats `/mandates/{order[first]}` at the same time."
        faults.append(Fault(f"/mandates/{order[second]}", "overlaps", message))
    if faults:
        raise InvalidInputError(tuple(faults))
    return new


def _mandate(
    caller: Caller, proposal: MandateProposal, template: TemplateVersion, evidence: bytes, *, now: datetime
) -> Mandate:
    """The mandate as the authority signs it, by delivering it."""
    text = text_document(template.content, choose_language(proposal, template.content))
    content: MandateContent = complete(proposal, template, base64url_digest(canonical_bytes(text)), now=now)
    signature = Signature(
        signer=content.third_party,
        capacity=Capacity.AUTHORITY,
        method=SignatureMethod.REGISTERED,
        signed_at=now,
        evidence_format="statement",
        evidence_digest=base64url_digest(evidence),
    )
    return Mandate(
        id=uuid7(),
        content=content,
        content_digest=base64url_digest(canonical_bytes(content_document(content))),
        signatures=(signature,),
        issued_at=now,
        registered_by=caller.urn,
    )


async def _end(
    session: WriteSession,
    keys: KeyRing,
    caller: Caller,
    mandate_ids: Sequence[UUID],
    delivery: DeliveryKey,
    *,
    now: datetime,
) -> tuple[UUID, ...]:
    """End those that stand no longer; what is over already needs no end."""
    ended = []
    author = Author(Role.THIRD_PARTY, caller.organisation)
    details = {"source": delivery.source, "key": delivery.key}
    for mandate_id in mandate_ids:
        state = await lock_state(session, mandate_id)
        if state is not None and not is_over(present_status(state, now)):
            event = NewEvent(EventType.REVOKED, author, REPLACED, {"delivery": details})
            await end_mandate(session, keys, caller, state, event, now=now)
            ended.append(mandate_id)
    return tuple(ended)
