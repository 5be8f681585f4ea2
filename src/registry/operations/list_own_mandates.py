"""A person's own mandates, given and held, standing and ended, with how to withdraw. Itself logged."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from uuid_utils import uuid7

from registry.domain.callers import Caller
from registry.domain.documents import Json
from registry.domain.events import ENDINGS, Change, EventType, Status
from registry.domain.mandate import Mandate, read_record
from registry.domain.parties import Party
from registry.domain.revocation import is_over
from registry.domain.template import Role, TemplateContent
from registry.operations.act_on_mandate import present_status
from registry.signing.records import SealType, open_seal
from registry.storage.access_log import AccessEntry, AccessLog
from registry.storage.mandate_records import WithdrawalTurn, list_sealed_records, list_withdrawal_turns
from registry.storage.mandate_states import MandateState
from registry.storage.own_mandates import list_own_states
from registry.storage.templates import get_versions


@dataclass(frozen=True, slots=True)
class OwnMandate:
    """A mandate as one of its parties sees it: in which role, how it stands, on which template's terms.

    `ending` is what ended it before its time. `open_withdrawal` waits for the third party's answer.
    """

    mandate: Mandate
    role: Role
    status: Status
    template: TemplateContent
    ending: Change | None
    open_withdrawal: WithdrawalTurn | None

    @property
    def may_end(self) -> bool:
        """Whether the person may revoke or renounce it now by itself."""
        return not is_over(self.status) and self.role in self.template.may_revoke

    @property
    def may_ask(self) -> bool:
        """Whether the person may ask for its withdrawal now."""
        return not is_over(self.status) and self.role is Role.PRINCIPAL and self.open_withdrawal is None


async def list_own_mandates(
    log: AccessLog, caller: Caller, person: Party, *, after: UUID | None, limit: int, now: datetime
) -> tuple[list[OwnMandate], UUID | None]:
    """A page of the person's mandates, newest first, and the cursor after it where there may be more.

    Whoever the third party. Erased ones are left out of the page. Raises UnavailableError.
    """
    async with log.database.transaction() as session:
        states = await list_own_states(session, log.keys, person, after=after, limit=limit)
        ids = [state.mandate_id for state in states]
        sealed = await list_sealed_records(session, log.keys, ids)
        templates = await get_versions(
            session, {(state.template_id, state.template_version) for state in states}
        )
        turns = await list_withdrawal_turns(session, ids)
        await log.append_within(session, _entry(log, caller, person, ids, now), mandate_ids=ids)
    found = []
    for state in states:
        if state.mandate_id in sealed:
            record = open_seal(sealed[state.mandate_id], log.keys, SealType.MANDATE)
            template = templates[state.template_id, state.template_version].content
            asked = turns.get(state.mandate_id, ())
            found.append(_own(state, read_record(record), person, template, asked, now))
    return found, ids[-1] if len(ids) == limit else None


def _own(
    state: MandateState,
    mandate: Mandate,
    person: Party,
    template: TemplateContent,
    turns: tuple[WithdrawalTurn, ...],
    now: datetime,
) -> OwnMandate:
    status = present_status(state, now)
    is_principal = mandate.content.principal.party == person
    ending = next((change for change in state.lifetime.changes if change.type in ENDINGS), None)
    waits = turns and turns[-1].type is EventType.WITHDRAWAL_REQUESTED and not is_over(status)
    return OwnMandate(
        mandate=mandate,
        role=Role.PRINCIPAL if is_principal else Role.REPRESENTATIVE,
        status=status,
        template=template,
        ending=ending,
        open_withdrawal=turns[-1] if waits else None,
    )


def _entry(log: AccessLog, caller: Caller, person: Party, ids: list[UUID], now: datetime) -> AccessEntry:
    found: list[Json] = [str(mandate_id) for mandate_id in ids]
    return AccessEntry(
        id=str(uuid7()),
        at=now,
        client_id=caller.client_id,
        operation="own_overview",
        details={"found": found},
        principal_index=log.keys.party_index(person),
    )
