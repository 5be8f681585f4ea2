"""Which powers does this holder have here, and from whom? Decided as verifications are, and recorded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from typing import Final
from uuid import UUID

from uuid_utils import uuid7

from registry.domain.callers import Caller
from registry.domain.documents import Document, Json
from registry.domain.errors import RegistryError
from registry.domain.mandate import Mandate, read_record
from registry.domain.parties import Party, PartyType, Scheme
from registry.domain.questions import Births, Decision, PermissionAnswer, Question
from registry.domain.verification import RULES_VERSION, decide, has_age_limit
from registry.identity.schemes import birth_date
from registry.operations.coalesce import Coalescer
from registry.operations.trace_grantors import keep_grantors, resting_on
from registry.operations.verify import (
    GROUPS_AT_ONCE,
    MOST_TOGETHER,
    check_third_party,
    is_limited,
    local_zone,
)
from registry.signing.records import SealType, open_seal
from registry.storage.access_log import AccessEntry, AccessLog
from registry.storage.held_mandates import Held, HolderAsked, find_held, find_sealed_records
from registry.storage.mandate_states import list_departments

_SOMEBODY_ELSE: Final = Party(Scheme.USERNAME, "-")
"""A principal whose record is still closed: all that is asked of it is whether it is the holder."""


@dataclass(slots=True)
class PowersAsked:
    """Whose powers a caller asks for, where, and perhaps from whom; empty `roles` and `codes` mean any.

    Of what is found, `size` from the place `offset` on is given. `document` is how it was asked.
    """

    caller: Caller
    third_party: Party
    holder: Party
    document: Document
    asked_at: datetime
    principal: Party | None = None
    roles: frozenset[PartyType] = frozenset()
    codes: frozenset[str] = frozenset()
    offset: int = 0
    size: int = 100


@dataclass(frozen=True, slots=True)
class Powers:
    """What one principal, in one role, lets exactly these holders do: each permission with its mandate.

    `mandate` is the newest of these mandates; it names the parties.
    """

    mandate: Mandate
    permissions: tuple[PermissionAnswer, ...]


@dataclass(frozen=True, slots=True)
class PowersFound:
    """A page, and how many there are in all."""

    items: list[Powers]
    total: int


@dataclass(slots=True)
class _Group:
    """The mandates between a principal in one role and exactly these holders."""

    held: list[Held]
    permitted: tuple[PermissionAnswer, ...] = ()

    @property
    def newest(self) -> UUID:
        """The newest of those that permit, or of all before that is decided."""
        permitting = [item.mandate_id for item in self.permitted if item.mandate_id is not None]
        return max(permitting or [item.candidate.mandate_id for item in self.held])


@dataclass(slots=True)
class _Search:
    asked: PowersAsked
    groups: list[_Group]
    page: list[_Group] = field(default_factory=list)


class PowerLister:
    """Lists powers, those that are asked for at the same time together. Nothing is remembered of an answer.

    Left out is what is not permitted to this holder alone: joint exercise, approvals, what a specifier
    narrows. So are consents.
    """

    def __init__(self, access_log: AccessLog, *, connections: int) -> None:
        """`access_log` is the process's own; `connections` is how many there are to use."""
        self._log = access_log
        self._database, self._keys = access_log.database, access_log.keys
        at_once = min(GROUPS_AT_ONCE, connections)
        self._listing = Coalescer(self._list_each, at_once=at_once, most=MOST_TOGETHER)

    async def list_powers(self, asked: PowersAsked) -> PowersFound:
        """A page of powers; its access-log entry is committed when this returns.

        Raises MissingScopeError, UnavailableError.
        """
        check_third_party(asked.caller, asked.third_party)
        return await self._listing.ask(asked)

    async def _list_each(self, asked: Sequence[PowersAsked]) -> Sequence[PowersFound | RegistryError]:
        index = self._keys.party_index
        found = await find_held(
            self._database,
            [
                HolderAsked(
                    str(item.third_party),
                    index(item.holder),
                    None if item.principal is None else index(item.principal),
                    item.asked_at,
                )
                for item in asked
            ],
        )
        found = [await self._within_departments(*pair) for pair in zip(asked, found, strict=True)]
        await self._keep_grantors(found)
        searches = [_Search(*pair) for pair in zip(asked, map(_groups, asked, found), strict=True)]
        mandates = await self._open(
            [
                group.newest
                for search in searches
                for group in search.groups
                if any(has_age_limit(item.candidate) for item in group.held)
            ]
        )
        for search in searches:
            self._decide(search, mandates)
        shown = {group.newest for search in searches for group in search.page}
        mandates |= await self._open(sorted(shown - mandates.keys()))
        await self._log.append([self._entry(search) for search in searches])
        return [
            PowersFound(
                [
                    Powers(mandates[group.newest], group.permitted)
                    for group in search.page
                    if group.newest in mandates
                ],
                len(search.groups),
            )
            for search in searches
        ]

    async def _keep_grantors(self, found: Sequence[Sequence[Held]]) -> None:
        """Tell who granted on, where a restriction names one who may have."""
        resting = [
            candidate
            for held in found
            for item in held
            for candidate in resting_on([item.candidate], item.blocks)
        ]
        if resting:
            async with self._database.reading() as session:
                await keep_grantors(session, self._keys, resting)

    async def _within_departments(self, asked: PowersAsked, held: list[Held]) -> list[Held]:
        if not held or not is_limited(asked.caller, asked.third_party):
            return held
        async with self._database.reading() as session:
            departments = await list_departments(session, {item.candidate.mandate_id for item in held})
        return [
            item
            for item in held
            if asked.caller.may_see_department(departments.get(item.candidate.mandate_id))
        ]

    async def _open(self, mandate_ids: Sequence[UUID]) -> dict[UUID, Mandate]:
        sealed = await find_sealed_records(self._database, self._keys, mandate_ids)
        return {
            mandate_id: read_record(open_seal(data, self._keys, SealType.MANDATE))
            for mandate_id, data in sealed.items()
        }

    def _decide(self, search: _Search, mandates: Mapping[UUID, Mandate]) -> None:
        """Leave the groups in which something is permitted, and of those the page that was asked for."""
        asked = search.asked
        own = self._keys.party_index(asked.holder)
        for group in search.groups:
            opened = mandates.get(group.newest)
            is_own = group.held[0].principal_index == own
            principal = asked.holder if is_own else _SOMEBODY_ELSE
            known = principal if opened is None else opened.content.principal.party
            group.permitted = _permitted(asked, group, known, own)
        search.groups = [group for group in search.groups if group.permitted]
        search.page = search.groups[asked.offset : asked.offset + asked.size]

    def _entry(self, search: _Search) -> AccessEntry:
        asked = search.asked
        holder = self._keys.party_index(asked.holder)
        principals = dict.fromkeys(group.held[0].principal_index for group in search.page)
        named = None if asked.principal is None else self._keys.party_index(asked.principal)
        if named is None and len(principals) == 1:
            named = next(iter(principals))
        others = {index for group in search.page for index in group.held[0].holders} | principals.keys()
        answers = [answer for group in search.page for answer in group.permitted]
        codes: list[Json] = list(dict.fromkeys(answer.code for answer in answers))
        # Everybody who is shown finds the entry, and reads `permissions`: not what somebody else has granted.
        shown: dict[str, Json] = {
            "permissions" if len(search.page) <= 1 else "permissions_of_all": codes,
            "found": list(dict.fromkeys(str(answer.mandate_id) for answer in answers)),
        }
        return AccessEntry(
            id=str(uuid7()),
            at=asked.asked_at,
            client_id=asked.caller.client_id,
            operation="power_search",
            details={**asked.document, **shown},
            principal_index=named,
            representative_index=holder,
            rules_version=RULES_VERSION,
            persons=sorted(others - {named, holder}),
        )


def _groups(asked: PowersAsked, held: Sequence[Held]) -> list[_Group]:
    ordered = sorted((item for item in held if _is_in_role(asked, item)), key=_key)
    return [_Group(list(group)) for _, group in groupby(ordered, key=_key)]


def _is_in_role(asked: PowersAsked, item: Held) -> bool:
    return not asked.roles or item.candidate.principal_role in asked.roles


def _key(item: Held) -> tuple[bytes, str, tuple[bytes, ...]]:
    return item.principal_index, item.candidate.principal_role.value, item.holders


def _permitted(
    asked: PowersAsked, group: _Group, principal: Party, own: bytes
) -> tuple[PermissionAnswer, ...]:
    """Decide as a verification of each permission would."""
    candidates = [item.candidate for item in group.held]
    offered = {code for candidate in candidates for code in candidate.permissions}
    question = Question(
        third_party=asked.third_party,
        principal=principal,
        representative=asked.holder,
        permissions=tuple(sorted(offered & asked.codes if asked.codes else offered)),
        at=asked.asked_at,
        is_present=True,
        principal_role=candidates[0].principal_role,
        acting=(own,),
    )
    if any(map(has_age_limit, candidates)):
        local_date = asked.asked_at.astimezone(local_zone(asked.third_party)).date()
        births = Births(local_date, birth_date(principal), birth_date(asked.holder))
        question = replace(question, births=births)
    answer = decide(question, candidates, group.held[0].blocks)
    return tuple(item for item in answer.permissions if item.decision is Decision.PERMIT)
