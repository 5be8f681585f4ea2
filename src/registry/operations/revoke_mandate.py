"""Revoke or renounce a mandate: end it early, once, saying who and why."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from registry.domain.callers import Caller, Scope
from registry.domain.errors import Fault, InvalidInputError
from registry.domain.parties import Party
from registry.domain.revocation import (
    check_may_revoke,
    revocation_document,
    revocation_event,
)
from registry.domain.template import Role
from registry.identity.issuers import TrustedIssuers
from registry.operations.act_on_mandate import (
    HeldMandate,
    Registrar,
    author_of_act,
    hold_mandate,
    is_held_by,
)
from registry.operations.end_mandate import EndedMandate, check_not_ended, end_mandate
from registry.operations.prove_person import prove_person
from registry.operations.record_event import NewEvent
from registry.signing.canonical import canonical_bytes
from registry.signing.keys import KeyRing
from registry.storage.database import Database, WriteSession
from registry.storage.templates import get_version

_MUST_GIVE_REASON = frozenset({Role.THIRD_PARTY, Role.REGISTRAR})


@dataclass(frozen=True, slots=True)
class Revocation:
    """What is asked: in which role, why, and the proof.

    `person` is whom an id token named; `signature` is evidence of the format `jws` or `xmldsig` over
    `revocation_bytes`, which proves the person just as well.
    """

    by: Role
    reason: str | None = None
    person: Party | None = None
    signature: str | None = None
    registrar: Registrar | None = None
    signature_format: str = "jws"


def revocation_bytes(mandate_id: UUID, revocation: Revocation) -> bytes:
    """The RFC 8785 bytes that a party signs to revoke or renounce."""
    return canonical_bytes(revocation_document(str(mandate_id), revocation.by, revocation.reason))


async def revoke_mandate(
    database: Database,
    keys: KeyRing,
    issuers: TrustedIssuers,
    caller: Caller,
    mandate_id: UUID,
    revocation: Revocation,
    *,
    now: datetime,
) -> EndedMandate:
    """End a mandate with everything below it; committed when this returns.

    Exactly one of many racing revocations wins: the others wait for the lock on the mandate and raise
    AlreadyEndedError, which names the first. Raises also NotFoundError, ForbiddenError,
    MandateOverError for one that expired or was used up, InvalidInputError, UnavailableError.
    """
    if revocation.by is Role.REGISTRAR:
        caller.require(Scope.MANDATES_REGISTER)
    if revocation.by in _MUST_GIVE_REASON and not (revocation.reason or "").strip():
        raise InvalidInputError((Fault("/reason", "missing", "Say why: the parties are entitled to know."),))
    proved = await prove_person(
        issuers,
        revocation_bytes(mandate_id, revocation),
        person=revocation.person,
        signature=revocation.signature,
        signature_format=revocation.signature_format,
        now=now,
    )
    async with database.transaction() as session:
        held = await hold_mandate(session, keys, mandate_id, caller, person=proved.party, now=now)
        author = author_of_act(
            held, revocation.by, caller, person=proved.party, registrar=revocation.registrar
        )
        await _check_allowed(session, held, revocation.by)
        await check_not_ended(session, held)
        event = NewEvent(
            type=revocation_event(revocation.by, is_holder=is_held_by(held.mandate, author.party)),
            author=author,
            reason=revocation.reason,
            details={"evidence_digest": proved.evidence_digest, "evidence": revocation.signature},
        )
        return await end_mandate(session, keys, caller, held.state, event, now=now)


async def _check_allowed(session: WriteSession, held: HeldMandate, role: Role) -> None:
    template = await get_version(session, held.state.template_id, held.state.template_version)
    if template is None:
        raise RuntimeError("a mandate's template version is never removed")
    check_may_revoke(role, template.content.may_revoke)
