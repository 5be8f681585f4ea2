"""The businesses that a person represents by its own engagement, as the company register says: no mandate."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from registry.domain.callers import Caller
from registry.domain.errors import UnavailableError
from registry.domain.parties import PartyType
from registry.domain.restrictions import RestrictionScope, blocks_mandate, is_in_force
from registry.domain.template import MandateKind, SigningBy, TemplateContent, TemplateStatus
from registry.identity.company_register import CompanyEntry, CompanyRegister
from registry.operations.search_representations import RepresentationSearch
from registry.operations.verify import check_third_party
from registry.signing.keys import KeyRing
from registry.storage.database import Database
from registry.storage.restrictions import list_blocks
from registry.storage.templates import TemplateFilter, search_templates

_PAGE = 100
_MOST_TEMPLATES = 1000


class RegisterLookUp(StrEnum):
    """Whether own engagements are listed: by the register's word, or not, and why not."""

    LISTED = "listed"
    UNAVAILABLE = "unavailable"
    NOT_ASKED = "not_asked"


@dataclass(frozen=True, slots=True)
class OwnEngagements:
    """Businesses that the person signs for alone, and the permissions that any of them may exercise here."""

    look_up: RegisterLookUp
    entries: tuple[CompanyEntry, ...] = ()
    permissions: tuple[str, ...] = ()


async def list_own_engagements(
    database: Database,
    keys: KeyRing,
    register: CompanyRegister | None,
    caller: Caller,
    search: RepresentationSearch,
    *,
    now: datetime,
) -> OwnEngagements:
    """List on whose behalf the representative acts by the register alone; on a search's first page only.

    The permissions are those of the third party's current powers of attorney that an organisation may grant,
    for the service that is asked for: whoever could grant them may exercise them. A register that cannot be
    asked is told, not raised. A business that a restriction keeps the person from is left out. Raises
    MissingScopeError.
    """
    check_third_party(caller, search.third_party)
    if register is None or search.after is not None or search.representative.type is not PartyType.PERSON:
        return OwnEngagements(RegisterLookUp.NOT_ASKED)
    try:
        engagements = await register.list_engagements(search.representative, now=now)
    except UnavailableError:
        return OwnEngagements(RegisterLookUp.UNAVAILABLE)
    alone = tuple(item for item in engagements if item.is_represented_alone_by(search.representative))
    if not alone:
        return OwnEngagements(RegisterLookUp.LISTED)
    permissions, services = await _list_permissions(database, caller, search)
    alone = await _leave_out_restricted(database, keys, search, alone, services, now=now)
    return OwnEngagements(RegisterLookUp.LISTED, alone if permissions else (), permissions)


async def _leave_out_restricted(
    database: Database,
    keys: KeyRing,
    search: RepresentationSearch,
    entries: tuple[CompanyEntry, ...],
    services: frozenset[str],
    *,
    now: datetime,
) -> tuple[CompanyEntry, ...]:
    indexes = [keys.party_index(entry.organisation.party) for entry in entries]
    async with database.reading() as session:
        blocks = await list_blocks(session, str(search.third_party), indexes)
    acting = [keys.party_index(search.representative)]
    left = []
    for entry, index in zip(entries, indexes, strict=True):
        held = [
            block
            for block in blocks.get(index, ())
            if is_in_force(block, now, known_at=None, is_present=True)
        ]
        # Who signs for a business acts as the business itself; a sole trader is nobody's representative.
        is_locked = any(block.scope is RestrictionScope.OWN_LOGIN for block in held)
        is_another = entry.organisation.party != search.representative
        is_blocked = is_another and blocks_mandate(
            held, acting=acting, service=search.service, services=services, is_guardians=False
        )
        if not is_locked and not is_blocked:
            left.append(entry)
    return tuple(left)


async def _list_permissions(
    database: Database, caller: Caller, search: RepresentationSearch
) -> tuple[tuple[str, ...], frozenset[str]]:
    """The permissions, and the services that they are for."""
    wanted = TemplateFilter(
        TemplateStatus.PUBLISHED,
        third_party=search.third_party,
        kind=MandateKind.REPRESENTATION,
        service=search.service,
        departments=caller.departments,
    )
    codes: set[str] = set()
    services: set[str] = set()
    async with database.reading() as session:
        for offset in range(0, _MOST_TEMPLATES, _PAGE):
            page, total = await search_templates(session, wanted, limit=_PAGE, offset=offset)
            for content in (item.content for item in page if _is_for_organisations(item.content)):
                codes.update(permission.code for permission in content.permissions)
                services.update(content.services)
            if offset + _PAGE >= total:
                break
    return tuple(sorted(codes)), frozenset(services)


def _is_for_organisations(content: TemplateContent) -> bool:
    by_itself = content.signing.by in {SigningBy.PRINCIPAL, SigningBy.SIGNATORIES}
    return by_itself and PartyType.ORGANISATION in content.principal_types
