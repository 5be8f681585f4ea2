"""What would stand in the way of issuing a mandate that passes every rule, told beforehand."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from registry.domain.callers import Caller
from registry.domain.mandate import Capacity, MandateContent
from registry.domain.signing_rules import expected_capacity
from registry.domain.template import Role, TemplateContent
from registry.operations.check_superseding import check_over, check_superseding
from registry.operations.examine_mandate import ExaminedMandate
from registry.signing.encodings import encode_base64url
from registry.signing.keys import KeyRing
from registry.storage.database import Database, ReadSession
from registry.storage.mandate_states import find_in_force, find_issued, get_state


@dataclass(frozen=True, slots=True)
class Conflict:
    """Why issuing would be refused as things stand; `mandate_id` is what stands there, if it may be told."""

    code: str
    pointer: str
    message: str
    mandate_id: UUID | None = None


def role_that_ends(content: MandateContent, template: TemplateContent) -> Role:
    """In which role the old mandate is ended by whoever will sign this one."""
    match expected_capacity(content, template):
        case Capacity.AUTHORITY:
            return Role.THIRD_PARTY
        case Capacity.REPRESENTATIVE:
            return Role.REPRESENTATIVE
        case _:
            return Role.PRINCIPAL


async def foresee_conflicts(
    database: Database, keys: KeyRing, caller: Caller, examined: ExaminedMandate, *, now: datetime
) -> tuple[Conflict, ...]:
    """What is in force already, and whether `supersedes` is possible, as it stands now.

    It can be otherwise once the mandate is signed: issuing looks again. Nothing is told of mandates that the
    caller may not see. Raises UnavailableError.
    """
    content = examined.content
    ancestors = () if examined.chain is None else examined.chain.ids
    conflicts = []
    async with database.reading() as session:
        in_force = await find_in_force(session, content, keys, ancestors)
        if in_force is not None and in_force != content.supersedes:
            seen = await _seen(session, keys, caller, in_force)
            message = "The same is in force already: name it in `supersedes`, or leave it."
            conflicts.append(Conflict("already_in_force", "", message, seen))
        issued = await find_issued(session, keys, encode_base64url(examined.digest))
        if issued is not None:
            seen = await _seen(session, keys, caller, issued)
            message = "This very content has made a mandate before: change it, if only its `external_ref`."
            conflicts.append(Conflict("already_issued", "", message, seen))
        if content.supersedes is not None:
            role = role_that_ends(content, examined.template.content)
            conflicts += await foresee_superseding(session, keys, caller, content, role, now=now)
    return tuple(conflicts)


async def foresee_superseding(
    session: ReadSession, keys: KeyRing, caller: Caller, content: MandateContent, role: Role, *, now: datetime
) -> tuple[Conflict, ...]:
    """Why the mandate that `supersedes` names cannot be replaced, if it cannot."""
    if content.supersedes is None:
        return ()
    old = await get_state(
        session, keys, content.supersedes, seen_by=caller.organisation, departments=caller.departments
    )
    fault = await check_superseding(session, keys, content, old, role) or check_over(old, now)
    return () if fault is None else (Conflict(fault.code, fault.pointer, fault.message),)


async def _seen(session: ReadSession, keys: KeyRing, caller: Caller, mandate_id: UUID) -> UUID | None:
    state = await get_state(
        session, keys, mandate_id, seen_by=caller.organisation, departments=caller.departments
    )
    return None if state is None else mandate_id
