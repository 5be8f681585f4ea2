"""What every act on an issued mandate shares: finding it, reading its record, and who is acting."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from registry.domain import delegation
from registry.domain.callers import Caller
from registry.domain.errors import ForbiddenError, NotFoundError
from registry.domain.events import Author, Status
from registry.domain.mandate import Capacity, Mandate, MandateContent, read_record
from registry.domain.parties import Party, PartyType
from registry.domain.template import Role
from registry.signing.keys import KeyRing
from registry.signing.records import SealType, open_seal
from registry.storage.ancestors import share_locks
from registry.storage.database import ReadSession, WriteSession
from registry.storage.mandate_records import get_sealed_record
from registry.storage.mandate_states import MandateState, get_state, lock_state
from registry.storage.secrets import get_secret


@dataclass(frozen=True, slots=True)
class HeldMandate:
    """A mandate locked for an act: its state, its record, and its status now.

    `is_seen_by_caller` unless only the person who acts through the caller may see it. `above` are the
    mandates that a sub-mandate comes from, root first.
    """

    state: MandateState
    mandate: Mandate
    status: Status
    is_seen_by_caller: bool
    above: tuple[Mandate, ...] = ()

    @property
    def root(self) -> Mandate:
        """What the principal granted itself: the first of the chain, or the mandate where there is none."""
        return self.above[0] if self.above else self.mandate


@dataclass(frozen=True, slots=True)
class Registrar:
    """An employee who acts for somebody, and their statement."""

    employee: Party
    statement: str


async def hold_mandate(
    session: WriteSession,
    keys: KeyRing,
    mandate_id: UUID,
    caller: Caller,
    *,
    person: Party | None = None,
    now: datetime,
) -> HeldMandate:
    """Lock a mandate that the caller, or the person who acts through it, may see; those above it first.

    Raises NotFoundError for any other.
    """
    parties = [caller.organisation] + ([person] if person else [])
    visible = [
        await get_state(session, keys, mandate_id, seen_by=party, departments=caller.departments)
        for party in parties
    ]
    seen = next((state for state in visible if state), None)
    if seen is None:
        raise NotFoundError
    await share_locks(session, seen.ancestor_ids)
    state = await lock_state(session, mandate_id)
    if state is None:
        raise NotFoundError
    mandate = await read_mandate(session, keys, mandate_id)
    above = tuple([await read_mandate(session, keys, upper) for upper in state.ancestor_ids])
    return HeldMandate(state, mandate, present_status(state, now), visible[0] is not None, above)


def present_status(state: MandateState, now: datetime) -> Status:
    """The status now, in the chain that the mandate hangs in; what is recorded counts as past."""
    return delegation.present_status(state.lifetime, state.ancestors, now)


async def read_sealed(session: ReadSession, keys: KeyRing, mandate_id: UUID) -> bytes:
    """The exact sealed bytes. Raises NotFoundError where the mandate was erased."""
    secret = await get_secret(session, keys, mandate_id)
    if secret is None:
        raise NotFoundError
    return await get_sealed_record(session, secret, mandate_id)


async def read_mandate(session: ReadSession, keys: KeyRing, mandate_id: UUID) -> Mandate:
    """The mandate as its sealed record says, signature checked. Raises NotFoundError, SealError."""
    return read_record(open_seal(await read_sealed(session, keys, mandate_id), keys, SealType.MANDATE))


def author_of_act(
    held: HeldMandate, role: Role, caller: Caller, *, person: Party | None, registrar: Registrar | None
) -> Author:
    """Who acts in this role, proved. Raises ForbiddenError where the proof is another's or missing.

    Principal and representative: the person named by the id token or signature, or the organisation whose
    client calls. For an organisation as principal, any person that its signatory rule names may end what it
    granted; where a guardian signed, that guardian too. The representatives above a sub-mandate act on it as
    those who granted it. Third party: its client. Registrar: the third party's client with an employee's
    statement.
    """
    if role in {Role.THIRD_PARTY, Role.REGISTRAR}:
        return _author_at_third_party(held, role, caller, registrar)
    actor = person or caller.organisation
    entitled = _entitled(held, role)
    if actor not in entitled:
        raise ForbiddenError(
            f"Prove that the {role.value} acts: an id token of the person, or its own organisation's client."
        )
    return Author(role, actor)


def _author_at_third_party(
    held: HeldMandate, role: Role, caller: Caller, registrar: Registrar | None
) -> Author:
    third_party = held.mandate.content.third_party.party
    if caller.organisation != third_party or not held.is_seen_by_caller:
        raise ForbiddenError("Only a client of the third party acts in this role.")
    if role is Role.THIRD_PARTY:
        return Author(role, third_party)
    if registrar is None:
        raise ForbiddenError("Name the employee who acts, with a statement, in `registrar`.")
    if registrar.employee.type is PartyType.ORGANISATION:
        raise ForbiddenError("An employee is a person: name the user name or the personal number.")
    return Author(role, third_party, registrar.employee, registrar.statement)


def is_held_by(mandate: Mandate, party: Party) -> bool:
    """Whether a party is a representative of this very mandate."""
    return any(named.party == party for named in mandate.content.representatives)


def _entitled(held: HeldMandate, role: Role) -> frozenset[Party]:
    if role is Role.REPRESENTATIVE:
        chain = (*held.above, held.mandate)
        return frozenset(named.party for mandate in chain for named in mandate.content.representatives)
    content = held.root.content
    guardians = (item.signer.party for item in held.root.signatures if item.capacity is Capacity.GUARDIAN)
    return frozenset({content.principal.party, *guardians, *_signatories(content)})


def _signatories(content: MandateContent) -> frozenset[Party]:
    details = content.principal_details
    rule = None if details is None else details.signatory_rule
    if rule is None or content.principal.party.type is not PartyType.ORGANISATION:
        return frozenset()
    return frozenset().union(*(alternative.any_of for alternative in rule.alternatives))
