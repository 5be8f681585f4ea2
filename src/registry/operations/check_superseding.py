"""Whether a new mandate may take the place of the one that its `supersedes` names."""

from datetime import datetime

from registry.domain.delegation import present_status
from registry.domain.errors import Fault
from registry.domain.mandate import MandateContent
from registry.domain.revocation import is_over
from registry.domain.template import Role
from registry.operations.act_on_mandate import read_mandate
from registry.signing.keys import KeyRing
from registry.storage.database import ReadSession
from registry.storage.mandate_states import MandateState
from registry.storage.templates import get_version

_POINTER = "/supersedes"


async def check_superseding(
    session: ReadSession, keys: KeyRing, content: MandateContent, old: MandateState | None, by: Role
) -> Fault | None:
    """What stands in the way; None where nothing does but perhaps that the old one is over (`check_over`).

    The old one has to be of the same principal in the same role, towards the same third party. Superseding
    ends it: whoever grants the new one, `by`, has to be let revoke the old one by its template. A
    representative replaces only what was granted on from the same parent. `old` is None where the caller may
    see none.
    """
    if old is None or (old.principal_index, old.third_party) != (
        keys.party_index(content.principal.party),
        str(content.third_party.party),
    ):
        return _unknown()
    mandate = await read_mandate(session, keys, old.mandate_id)
    if mandate.content.principal_role is not content.principal_role:
        return _unknown()
    if content.parent is not None and mandate.content.parent != content.parent:
        return Fault(_POINTER, "other_parent", "A sub-mandate supersedes only another of the same parent.")
    template = await get_version(session, old.template_id, old.template_version)
    allowed = () if template is None else template.content.may_revoke
    if by not in allowed:
        names = ", ".join(role.value for role in allowed)
        return Fault(_POINTER, "may_not_revoke", f"On its template that mandate is revoked by: {names}.")
    return None


def check_over(old: MandateState | None, now: datetime) -> Fault | None:
    """That the old one has ended already."""
    if old is None or not is_over(present_status(old.lifetime, old.ancestors, now)):
        return None
    return Fault(_POINTER, "mandate_over", "That mandate has ended already: leave `supersedes` out.")


def _unknown() -> Fault:
    message = "There is no mandate of this principal, in this role, here with that id."
    return Fault(_POINTER, "unknown_mandate", message)
