"""Questions of verification and their answers: what is asked, of which mandates, and what can be said.

How they are decided stands in `registry.domain.verification`. Questions and candidates are not frozen: that
makes each of them three times as dear, on the hottest path.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from registry.domain.approvals import NamedApproval
from registry.domain.delegation import Ancestor
from registry.domain.documents import Json, utc_text
from registry.domain.events import Lifetime
from registry.domain.parties import Party, PartyType


class Decision(StrEnum):
    """The answer. `conditional` means: permitted once the named reason is met."""

    PERMIT = "permit"
    DENY = "deny"
    CONDITIONAL = "conditional"


class Reason(StrEnum):
    """Why not, stable for machines. Declared so that a later one came further than an earlier one."""

    NO_MANDATE = "no_mandate"
    OUT_OF_SCOPE = "out_of_scope"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    REVOKED = "revoked"
    USED_UP = "used_up"
    SUSPENDED = "suspended"
    AGE_LIMIT = "age_limit"
    JOINT_EXERCISE_REQUIRED = "joint_exercise_required"
    APPROVAL_REQUIRED = "approval_required"
    PARTY_MISMATCH = "party_mismatch"
    RESTRICTED = "restricted"
    UNKNOWN_PERMISSION = "unknown_permission"


@dataclass(frozen=True, slots=True)
class Births:
    """When those in a question were born, and the day at the third party by which their ages are reckoned.

    `together` are those of `together_with`, in its order; None where an identifier tells no full date.
    """

    local_date: date
    principal: date | None = None
    representative: date | None = None
    together: tuple[date | None, ...] = ()


@dataclass(slots=True)
class Question:
    """One question. `at` and `known_at` are aware UTC; `at` is the time asked about.

    `is_present` means: now, whatever that is. Then what is recorded counts as past even where the clock
    that recorded it runs ahead of ours.
    `principal_role` None means the principal as what it is: a sole trader's business is asked for by name.
    `specifier_index` is the blind index of the specifier, None where the question has none.
    `births` is needed where a candidate has an age limit (`has_age_limit`), which nobody meets without it.
    `unknown_permissions` are codes that the third party has never published.
    `approval` is the one that the question names, None where it names none. `is_of_context` is False where an
    acting context was brought that is of other parties.
    `acting` are the blind indexes of the representative and of those who act together with it.
    """

    third_party: Party
    principal: Party
    representative: Party
    permissions: tuple[str, ...]
    at: datetime
    known_at: datetime | None = None
    is_present: bool = False
    together_with: tuple[Party, ...] = ()
    service: str | None = None
    principal_role: PartyType | None = None
    specifier_index: bytes | None = None
    births: "Births | None" = None
    unknown_permissions: frozenset[str] = frozenset()
    acting: tuple[bytes, ...] = ()
    approval: NamedApproval | None = None
    is_of_context: bool = True


@dataclass(slots=True)
class Candidate:
    """A mandate between the parties of the question, as the projection holds it.

    `holders` counts the representatives of this mandate that the question names. `ancestors` are the mandates
    above a sub-mandate, root first. Two more are known where restrictions stand: `is_guardians` tells a
    statutory one, one by a court, one that a guardian signed, and what hangs below such a one;
    `holders_above` are the blind indexes of those who hold a mandate above and granted on from it.
    `held_together` are those of the representatives named beside the first that hold it.
    """

    mandate_id: UUID
    lifetime: Lifetime
    permissions: frozenset[str]
    services: frozenset[str]
    principal_role: PartyType
    specifier_index: bytes | None = None
    together: int = 1
    holders: int = 1
    approval: bool = False
    principal_below: int | None = None
    representative_from: int | None = None
    ancestors: tuple[Ancestor, ...] = ()
    is_guardians: bool = False
    holders_above: frozenset[bytes] = frozenset()
    held_together: frozenset[bytes] = frozenset()


@dataclass(frozen=True, slots=True)
class PermissionAnswer:
    """The answer for one permission; the mandate and its end only where it is not a plain refusal.

    `chain` is how a sub-mandate comes from the principal: from the root down to the mandate itself.
    """

    code: str
    decision: Decision
    reasons: tuple[Reason, ...] = ()
    mandate_id: UUID | None = None
    valid_until: datetime | None = None
    chain: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """The whole answer: permit only if every permission is, deny if any is, else conditional."""

    decision: Decision
    reasons: tuple[Reason, ...]
    permissions: tuple[PermissionAnswer, ...]


def answer_document(answer: Answer, checked_at: datetime) -> dict[str, Json]:
    """Show the answer as it is sent and as the receipt holds it."""
    return {
        "decision": answer.decision.value,
        "reasons": [reason.value for reason in answer.reasons],
        "permissions": [_permission_document(item) for item in answer.permissions],
        "checked_at": utc_text(checked_at),
    }


def _permission_document(item: PermissionAnswer) -> Mapping[str, Json]:
    document: dict[str, Json] = {
        "code": item.code,
        "decision": item.decision.value,
        "reasons": [reason.value for reason in item.reasons],
    }
    if item.mandate_id is not None:
        document["mandate_id"] = str(item.mandate_id)
        document["valid_until"] = None if item.valid_until is None else utc_text(item.valid_until)
    if item.chain:
        document["chain"] = [str(mandate_id) for mandate_id in item.chain]
    return document
