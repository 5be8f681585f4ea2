"""Verify: answer questions about mandates, and record each question with its answer before it is given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from uuid import UUID
from zoneinfo import ZoneInfo

from uuid_utils import uuid7

from registry.domain.approvals import NamedApproval, role_beside
from registry.domain.callers import Caller, Scope
from registry.domain.documents import Document, Json
from registry.domain.errors import RegistryError, UnavailableError
from registry.domain.parties import Party, PartyType
from registry.domain.questions import Answer, Births, Candidate, Question, answer_document
from registry.domain.restrictions import Block
from registry.domain.verification import RULES_VERSION, decide, has_age_limit
from registry.identity.schemes import birth_date, country_zone
from registry.operations.coalesce import Coalescer
from registry.operations.trace_grantors import keep_grantors, resting_on
from registry.signing.consistency import Position, consistency_token
from registry.signing.keys import KeyRing
from registry.storage.access_log import AccessEntry, AccessLog
from registry.storage.approvals import ApprovalAsked, find_approvals
from registry.storage.candidates import PartiesAsked, find_candidates
from registry.storage.mandate_states import list_departments
from registry.storage.projection import specifier_index
from registry.storage.templates import find_unknown_permissions

_UTC = ZoneInfo("UTC")

MOST_TOGETHER = 64
"""How many single questions are asked in one statement at most."""


GROUPS_AT_ONCE = 2
"""How many such groups are under way at most: one looks up while another commits; more would be smaller."""


@dataclass(slots=True)
class AskedQuestion:
    """A question as a caller asks it. `document` is how it was asked, for the receipt and the access log.

    `is_of_context` is False where the caller names other parties than the acting context that it brings.
    `at` None is now. `at_least` is a state that the answer may not be older than.
    """

    caller: Caller
    third_party: Party
    principal: Party
    representative: Party
    permissions: tuple[str, ...]
    document: Document
    asked_at: datetime
    together_with: tuple[Party, ...] = ()
    service: str | None = None
    principal_role: PartyType | None = None
    specifier: Mapping[str, str] = field(default_factory=dict)
    at: datetime | None = None
    known_at: datetime | None = None
    at_least: Position | None = None
    approval_id: UUID | None = None
    content_digest: str | None = None
    is_of_context: bool = True
    operation: str = "verification"


@dataclass(slots=True)
class AnsweredQuestion:
    """The answer as a document, the id of its audit row, and the state it was given from."""

    answer: Answer
    document: dict[str, Json]
    audit_id: str
    consistency_token: str


def check_third_party(caller: Caller, third_party: Party) -> None:
    """Raise MissingScopeError for another organisation's matters without `verify:any`."""
    if third_party != caller.organisation:
        caller.require(Scope.VERIFY_ANY)


def is_limited(caller: Caller, third_party: Party) -> bool:
    """Whether the caller's limit to departments bounds what it is told: in its own organisation's matters."""
    return bool(caller.departments) and third_party == caller.organisation


class Verifier:
    """Answers questions. Remembers which permission codes exist: a code once published stays.

    Single questions are looked up, decided and recorded together with those that come in meanwhile, in two
    groups at a time: the look-ups of some need not wait for the commit of others.
    """

    def __init__(self, access_log: AccessLog, keys: KeyRing, *, connections: int) -> None:
        """`access_log` and `keys` are the process's own; `connections` is how many there are to use."""
        self._log = access_log
        self._database = access_log.database
        self._keys = keys
        self._known_codes: set[tuple[Party, str]] = set()
        at_once = min(GROUPS_AT_ONCE, connections)
        self._answering = Coalescer(self._answer_each, at_once=at_once, most=MOST_TOGETHER)

    async def answer(self, asked: Sequence[AskedQuestion]) -> list[AnsweredQuestion]:
        """Answer questions in their order, all or none; every audit row is committed when this returns.

        Raises UnavailableError where the database cannot be asked, the audit cannot be written, or the
        state is older than a question's `at_least`.
        """
        answered, entries = await self._decide_each(asked)
        for item in answered:
            if isinstance(item, RegistryError):
                raise item
        await self._log.append(entries)
        return [item for item in answered if isinstance(item, AnsweredQuestion)]

    async def answer_one(self, asked: AskedQuestion) -> AnsweredQuestion:
        """Answer a question together with those asked at the same time. Raises as `answer`."""
        return await self._answering.ask(asked)

    async def _answer_each(self, asked: Sequence[AskedQuestion]) -> list[AnsweredQuestion | RegistryError]:
        answered, entries = await self._decide_each(asked)
        if entries:
            await self._log.append(entries)
        return answered

    async def _decide_each(
        self, asked: Sequence[AskedQuestion]
    ) -> tuple[list[AnsweredQuestion | RegistryError], list[AccessEntry]]:
        """Decide; no answer may be given before its entry is committed.

        A question whose `at_least` lies ahead is refused alone, and has no entry.
        """
        parties = [self._parties(item) for item in asked]
        found, blocked, lsn = await find_candidates(self._database, parties)
        found = await self._within_departments(asked, found)
        await self._keep_grantors(found, blocked)
        approvals = await self._approvals(asked, parties)
        unknown = await self._unknown_codes(asked)
        token = consistency_token(self._database.position_at(lsn), self._keys)
        answers: list[AnsweredQuestion | RegistryError] = []
        entries: list[AccessEntry] = []
        for item, between, candidates, blocks, approval in zip(
            asked, parties, found, blocked, approvals, strict=True
        ):
            if item.at_least is not None and item.at_least.lsn > lsn:
                answers.append(
                    UnavailableError("This state is older than the `at_least` that was asked for.")
                )
                continue
            codes = unknown.get(item.third_party, frozenset())
            answered = self._decide(item, between, candidates, blocks, approval, codes, token)
            answers.append(answered)
            entries.append(self._entry(item, between, answered))
        return answers, entries

    async def _keep_grantors(
        self, found: Sequence[Sequence[Candidate]], blocked: Sequence[Sequence[Block]]
    ) -> None:
        """Tell who granted on, where a restriction names one who may have."""
        resting = [
            item
            for candidates, blocks in zip(found, blocked, strict=True)
            if blocks
            for item in resting_on(candidates, blocks)
        ]
        if resting:
            async with self._database.reading() as session:
                await keep_grantors(session, self._keys, resting)

    def _parties(self, item: AskedQuestion) -> PartiesAsked:
        index = self._keys.party_index
        representatives = [index(item.representative)]
        if item.together_with:
            others = dict.fromkeys(party for party in item.together_with if party != item.representative)
            representatives += map(index, others)
        return PartiesAsked(str(item.third_party), index(item.principal), representatives)

    async def _approvals(
        self, asked: Sequence[AskedQuestion], parties: Sequence[PartiesAsked]
    ) -> Sequence[NamedApproval | None]:
        """The approval that each question names.

        Looked up after the mandates, in the same state or a later one: what was decided is never undone.
        """
        if all(item.approval_id is None for item in asked):
            return [None] * len(asked)
        named = [
            ApprovalAsked(
                item.approval_id,
                item.content_digest,
                between,
                role_beside(item.principal, item.principal_role),
            )
            for item, between in zip(asked, parties, strict=True)
        ]
        found = await find_approvals(self._database, self._keys, named)
        for place, (item, approval) in enumerate(zip(asked, found, strict=True)):
            if approval is not None and approval.is_of_parties and await self._is_beyond(item, approval):
                found[place] = NamedApproval(is_of_parties=False)
        return found

    async def _is_beyond(self, item: AskedQuestion, approval: NamedApproval) -> bool:
        """Whether an approval is of departments that the caller is not limited to."""
        if not is_limited(item.caller, item.third_party):
            return False
        wanted, departments = frozenset({approval.permission}), item.caller.departments
        async with self._database.reading() as session:
            return bool(await find_unknown_permissions(session, item.third_party, wanted, departments))

    async def _within_departments(
        self, asked: Sequence[AskedQuestion], found: list[list[Candidate]]
    ) -> list[list[Candidate]]:
        """Leave to clients limited to departments only what is on their templates.

        One statement more, for questions of such clients alone: which template a mandate is on never changes.
        """
        limited = {place for place, item in enumerate(asked) if is_limited(item.caller, item.third_party)}
        ids = {candidate.mandate_id for place in limited for candidate in found[place]}
        if not ids:
            return found
        async with self._database.reading() as session:
            departments = await list_departments(session, ids)
        return [
            [
                candidate
                for candidate in candidates
                if place not in limited
                or asked[place].caller.may_see_department(departments.get(candidate.mandate_id))
            ]
            for place, candidates in enumerate(found)
        ]

    async def _unknown_codes(self, asked: Sequence[AskedQuestion]) -> dict[Party, frozenset[str]]:
        open_codes: dict[Party, set[str]] = {}
        for item in asked:
            for code in item.permissions:
                if (item.third_party, code) not in self._known_codes:
                    open_codes.setdefault(item.third_party, set()).add(code)
        unknown = {}
        for third_party, codes in open_codes.items():
            async with self._database.reading() as session:
                missing = await find_unknown_permissions(session, third_party, frozenset(codes))
            self._known_codes.update((third_party, code) for code in codes - missing)
            unknown[third_party] = missing
        return unknown

    def _decide(
        self,
        item: AskedQuestion,
        between: PartiesAsked,
        candidates: Sequence[Candidate],
        blocks: Sequence[Block],
        approval: NamedApproval | None,
        unknown: frozenset[str],
        token: str,
    ) -> AnsweredQuestion:
        at = item.at or item.asked_at
        question = Question(
            third_party=item.third_party,
            principal=item.principal,
            representative=item.representative,
            permissions=item.permissions,
            at=at,
            is_present=item.at is None and item.known_at is None,
            known_at=item.known_at,
            together_with=item.together_with,
            service=item.service,
            principal_role=item.principal_role,
            specifier_index=specifier_index(self._keys, item.specifier) if item.specifier else None,
            unknown_permissions=unknown,
            births=_births(item, at) if any(map(has_age_limit, candidates)) else None,
            acting=tuple(between.representative_indexes) if blocks else (),
            approval=approval,
            is_of_context=item.is_of_context,
        )
        answer = decide(question, candidates, blocks)
        document = answer_document(answer, item.asked_at)
        if item.known_at is not None:
            document["historical"] = True
        return AnsweredQuestion(answer, document, str(uuid7()), token)

    def _entry(self, item: AskedQuestion, between: PartiesAsked, result: AnsweredQuestion) -> AccessEntry:
        return AccessEntry(
            id=result.audit_id,
            at=item.asked_at,
            client_id=item.caller.client_id,
            operation=item.operation,
            details={"question": item.document, "answer": result.document},
            principal_index=between.principal_index,
            representative_index=between.representative_indexes[0],
            decision=result.answer.decision.value,
            rules_version=RULES_VERSION,
            persons=between.representative_indexes[1:],
        )


def _births(item: AskedQuestion, at: datetime) -> Births:
    return Births(
        local_date=at.astimezone(local_zone(item.third_party)).date(),
        principal=birth_date(item.principal),
        representative=birth_date(item.representative),
        together=tuple(birth_date(party) for party in item.together_with),
    )


@lru_cache(maxsize=1024)
def local_zone(third_party: Party) -> ZoneInfo:
    """The zone in which a third party reckons days; UTC where its scheme names no country."""
    return country_zone(third_party) or _UTC
