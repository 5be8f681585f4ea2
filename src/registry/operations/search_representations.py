"""On whose behalf may this person act here? The principals, with what a form prefills."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from uuid import UUID

from uuid_utils import uuid7

from registry.domain.callers import Caller
from registry.domain.documents import Json
from registry.domain.mandate import Mandate, read_record
from registry.domain.parties import Party
from registry.domain.questions import Births, Candidate, Decision, PermissionAnswer, Question
from registry.domain.restrictions import Block
from registry.domain.verification import RULES_VERSION, decide
from registry.identity.schemes import birth_date
from registry.operations.trace_grantors import keep_grantors, resting_on
from registry.operations.verify import check_third_party, is_limited, local_zone
from registry.signing.records import SealType, open_seal
from registry.storage.access_log import AccessEntry, AccessLog
from registry.storage.database import ReadSession
from registry.storage.mandate_records import list_sealed_records
from registry.storage.mandate_search import Representation, find_representations
from registry.storage.mandate_states import list_departments
from registry.storage.restrictions import find_guardians, find_holders_above, list_blocks


@dataclass(frozen=True, slots=True)
class RepresentationSearch:
    """Who asks to act, where, in which service; `after` is the last principal's blind index of a page."""

    representative: Party
    third_party: Party
    service: str | None = None
    after: bytes | None = None
    limit: int = 20


@dataclass(frozen=True, slots=True)
class RepresentedPrincipal:
    """A principal in one role (and, where it has one, one specifier), as the newest mandate names it.

    `permissions` are those permitted now, or conditional with the reason why. `root` is what the principal
    granted itself: the same mandate, unless that is a sub-mandate.
    """

    mandate: Mandate
    root: Mandate
    permissions: tuple[PermissionAnswer, ...]


async def search_representations(
    log: AccessLog,
    caller: Caller,
    search: RepresentationSearch,
    *,
    document: Mapping[str, Json],
    now: datetime,
) -> tuple[list[RepresentedPrincipal], bytes | None]:
    """Return a page of principals and, where there are more, the cursor after it.

    A page can hold fewer than `limit` principals: those without anything permitted now are left out.
    Raises MissingScopeError, UnavailableError.
    """
    check_third_party(caller, search.third_party)
    async with log.database.transaction() as session:
        found = await find_representations(
            session,
            log.keys,
            search.representative,
            search.third_party,
            service=search.service,
            now=now,
            after=search.after,
            limit=search.limit + 1,
        )
        page, cursor = _cut(found, search.limit)
        if is_limited(caller, search.third_party):
            page = await _within_departments(session, caller, page)
        blocked = await list_blocks(session, str(search.third_party), {item.principal_index for item in page})
        if blocked:
            await _add_what_restrictions_need(session, [item.candidate for item in page])
            blocks = [block for held in blocked.values() for block in held]
            await keep_grantors(session, log.keys, resting_on([item.candidate for item in page], blocks))
        ids = [item.candidate.mandate_id for item in page]
        roots = [item.candidate.ancestors[0].mandate_id for item in page if item.candidate.ancestors]
        sealed = await list_sealed_records(session, log.keys, [*ids, *roots])
        found_ids: list[Json] = [str(mandate_id) for mandate_id in ids]
        details = {**document, "found": found_ids}
        await log.append_within(session, _entry(log, caller, search, details, now), mandate_ids=ids)
    mandates = {
        mandate_id: read_record(open_seal(data, log.keys, SealType.MANDATE))
        for mandate_id, data in sealed.items()
    }
    known = [item for item in page if item.candidate.mandate_id in mandates]
    groups = groupby(sorted(known, key=_group_key), key=_group_key)
    acting = log.keys.party_index(search.representative)
    principals = [
        _principal(search, list(group), mandates, acting, blocked.get(key[0], ()), now)
        for key, group in groups
    ]
    return [principal for principal in principals if principal is not None], cursor


async def _add_what_restrictions_need(session: ReadSession, candidates: Sequence[Candidate]) -> None:
    lineages = [
        {item.mandate_id, *(ancestor.mandate_id for ancestor in item.ancestors)} for item in candidates
    ]
    of_guardians = await find_guardians(session, set().union(*lineages))
    holders_above = await find_holders_above(session, [item.mandate_id for item in candidates])
    for item, lineage in zip(candidates, lineages, strict=True):
        item.is_guardians = not of_guardians.isdisjoint(lineage)
        item.holders_above = holders_above.get(item.mandate_id, frozenset())


async def _within_departments(
    session: ReadSession, caller: Caller, page: Sequence[Representation]
) -> list[Representation]:
    departments = await list_departments(session, {item.candidate.mandate_id for item in page})
    return [item for item in page if caller.may_see_department(departments.get(item.candidate.mandate_id))]


def _cut(found: Sequence[Representation], limit: int) -> tuple[list[Representation], bytes | None]:
    principals = list(dict.fromkeys(item.principal_index for item in found))
    if len(principals) <= limit:
        return list(found), None
    kept = principals[:limit]
    return [item for item in found if item.principal_index in kept], kept[-1]


def _group_key(item: Representation) -> tuple[bytes, str, bytes]:
    candidate = item.candidate
    return item.principal_index, candidate.principal_role.value, candidate.specifier_index or b""


def _principal(
    search: RepresentationSearch,
    group: Sequence[Representation],
    mandates: Mapping[UUID, Mandate],
    acting: bytes,
    blocks: Sequence[Block],
    now: datetime,
) -> RepresentedPrincipal | None:
    """Decide for one principal as a verification would."""
    candidates = [item.candidate for item in group]
    principal = mandates[candidates[0].mandate_id].content.principal.party
    question = Question(
        third_party=search.third_party,
        principal=principal,
        representative=search.representative,
        permissions=tuple(sorted({code for item in candidates for code in item.permissions})),
        at=now,
        is_present=True,
        service=search.service,
        principal_role=candidates[0].principal_role,
        specifier_index=candidates[0].specifier_index,
        births=Births(
            local_date=now.astimezone(local_zone(search.third_party)).date(),
            principal=birth_date(principal),
            representative=birth_date(search.representative),
        ),
        acting=(acting,),
    )
    answers = decide(question, candidates, blocks).permissions
    permitted = tuple(answer for answer in answers if answer.decision is not Decision.DENY)
    if not permitted:
        return None
    newest = max(answer.mandate_id for answer in permitted if answer.mandate_id is not None)
    chain = next(answer.chain for answer in permitted if answer.mandate_id == newest)
    root = mandates.get(chain[0]) if chain else None
    return RepresentedPrincipal(mandates[newest], root or mandates[newest], permitted)


def _entry(
    log: AccessLog,
    caller: Caller,
    search: RepresentationSearch,
    document: Mapping[str, Json],
    now: datetime,
) -> AccessEntry:
    return AccessEntry(
        id=str(uuid7()),
        at=now,
        client_id=caller.client_id,
        operation="representation_search",
        details=document,
        representative_index=log.keys.party_index(search.representative),
        rules_version=RULES_VERSION,
    )
