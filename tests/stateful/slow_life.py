"""What mandates ought to do, written down as slowly and plainly as possible."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from stateful.cast import AGED, BEGINNING, BIRTHS

ENDINGS = {"revoked", "renounced", "superseded"}
GRAVER = ["active", "suspended", "used_up", "expired", "not_yet_valid", "revoked"]
OVER = {"revoked", "expired", "used_up"}
FURTHER = [
    "no_mandate",
    "out_of_scope",
    "not_yet_valid",
    "expired",
    "superseded",
    "revoked",
    "used_up",
    "suspended",
    "age_limit",
    "joint_exercise_required",
    "approval_required",
    None,
]
"""The reasons in the order in which a candidate comes further; None permits."""
CONDITIONAL = {None, "joint_exercise_required", "approval_required"}
FOREVER = datetime.max.replace(tzinfo=UTC)
STOCKHOLM = ZoneInfo("Europe/Stockholm")
COMES_OF_AGE = (13, 18)


def age(number: str, at: datetime) -> int:
    """Whole years, on the day that it is at the third party."""
    born, day = BIRTHS[number], at.astimezone(STOCKHOLM).date()
    return sum(1 for year in range(born.year + 1, day.year + 1) if born.replace(year=year) <= day)


def birthdays() -> set[datetime]:
    """When somebody reaches an age at which something changes, that lies in no life's past."""
    days = [born.replace(year=born.year + years) for born in BIRTHS.values() for years in COMES_OF_AGE]
    year = BEGINNING.year
    return {datetime.combine(day, time(), STOCKHOLM).astimezone(UTC) for day in days if day.year == year}


@dataclass
class Mandate:
    """A mandate with everything that has happened to it, oldest first."""

    id: str
    principal: str
    representatives: tuple[str, ...]
    permissions: tuple[str, ...]
    template: str
    valid_from: datetime
    valid_until: datetime
    issued_at: datetime
    together: int = 1
    max_uses: int | None = None
    parent: "Mandate | None" = None
    events: list[tuple[str, datetime]] = field(default_factory=list)
    open_withdrawal: str | None = None

    def known(self, at: datetime, known_at: datetime | None) -> list[str]:
        """What had happened by then, as far as was known then."""
        return [kind for kind, moment in self.events if moment <= at and moment <= (known_at or moment)]

    @property
    def chain(self) -> list["Mandate"]:
        """From the root down to this one."""
        return [*(self.parent.chain if self.parent else ()), self]

    def status(self, at: datetime, known_at: datetime | None = None) -> str:
        """Where the mandate stands: not better than what is above it."""
        own = self.own_status(at, known_at)
        above = [mandate.own_status(at, known_at) for mandate in self.chain[:-1]]
        return max(["active", *above], key=GRAVER.index) if own == "active" else own

    def own_status(self, at: datetime, known_at: datetime | None = None) -> str:
        """Where it stands by itself."""
        known = self.known(at, known_at)
        if ENDINGS & set(known):
            return "revoked"
        if at < self.valid_from:
            return "not_yet_valid"
        if at >= self.valid_until:
            return "expired"
        if "used_up" in known:
            return "used_up"
        turns = [kind for kind in known if kind in {"suspended", "resumed"}]
        return "suspended" if turns and turns[-1] == "suspended" else "active"

    def ended_at(self, at: datetime, known_at: datetime | None) -> datetime:
        """When it ended, as known; the end of time where it did not."""
        known = [
            moment
            for kind, moment in self.events
            if kind in ENDINGS and moment <= at and moment <= (known_at or moment)
        ]
        return min(known, default=datetime.max.replace(tzinfo=UTC))

    def reason(
        self,
        permission: str,
        acting: tuple[str, ...],
        at: datetime,
        known_at: datetime | None,
        approval: "Approval | None" = None,
    ) -> str | None:
        """Why this mandate does not permit it; None where it does."""
        if known_at is not None and any(mandate.issued_at > known_at for mandate in self.chain):
            return "no_mandate"
        if permission not in self.permissions:
            return "out_of_scope"
        status = self.status(at, known_at)
        if status == "revoked":
            first = min(
                ((mandate.ended_at(at, known_at), place) for place, mandate in enumerate(self.chain)),
            )[1]
            known = self.chain[first].known(at, known_at)
            return (
                "superseded" if next(kind for kind in known if kind in ENDINGS) == "superseded" else "revoked"
            )
        if status != "active":
            return status
        if self.template in AGED and not (
            age(self.principal, at) < COMES_OF_AGE[0]
            and all(age(number, at) >= COMES_OF_AGE[1] for number in acting)
        ):
            return "age_limit"
        if len({*acting} & {*self.representatives}) < self.together:
            return "joint_exercise_required"
        is_approved = approval is not None and permission == "apply" and approval.is_good(at, known_at)
        return "approval_required" if self.template == "approved" and not is_approved else None


@dataclass
class Restriction:
    """A block on a principal: of all representatives, or of one."""

    id: str
    principal: str
    representative: str | None
    valid_from: datetime
    valid_until: datetime | None
    imposed_at: datetime
    lifted_at: datetime | None = None

    def stands(self, at: datetime, known_at: datetime | None) -> bool:
        """Whether it is in force, then."""
        if known_at is not None and self.imposed_at > known_at:
            return False
        is_lifted = (
            self.lifted_at is not None
            and self.lifted_at <= at
            and (known_at is None or self.lifted_at <= known_at)
        )
        in_time = self.valid_from <= at and (self.valid_until is None or at < self.valid_until)
        return in_time and not is_lifted


@dataclass
class Approval:
    """A matter, and what its representative decided."""

    id: str
    principal: str
    representative: str
    deadline: datetime
    verdict: str | None = None
    decided_at: datetime | None = None

    def is_good(self, at: datetime, known_at: datetime | None) -> bool:
        """Whether it is approved and in force, then."""
        return (
            self.verdict == "approved"
            and self.decided_at is not None
            and self.decided_at <= at < self.deadline
            and (known_at is None or self.decided_at <= known_at)
        )

    def status(self, now: datetime) -> str:
        """Where it stands."""
        if self.verdict == "declined":
            return "declined"
        return "lapsed" if now >= self.deadline else self.verdict or "pending"


@dataclass
class Request:
    """A mandate that waits for its principal's signature."""

    id: str
    digest: str
    wanted: Mandate
    expires_at: datetime
    ended: str | None = None

    def status(self, now: datetime) -> str:
        """Where it stands."""
        return self.ended or ("lapsed" if now >= self.expires_at else "pending")


@dataclass
class Model:
    """All mandates, requests and restrictions of one third party."""

    mandates: dict[str, Mandate] = field(default_factory=dict)
    restrictions: list[Restriction] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    approvals: list[Approval] = field(default_factory=list)
    deliveries: dict[str, dict[tuple[str, str, str], Mandate]] = field(default_factory=dict)

    def granted_by(self, mandate: Mandate) -> str:
        """Who may ask for its withdrawal: the principal of what it hangs below."""
        return mandate.chain[0].principal

    def is_blocked(
        self, mandate: Mandate, acting: tuple[str, ...], at: datetime, known_at: datetime | None
    ) -> bool:
        """Whether a restriction stands against these using this mandate."""
        standing = [
            item
            for item in self.restrictions
            if item.principal == mandate.principal and item.stands(at, known_at)
        ]
        named = {item.representative for item in standing}
        granted_on = {link.representatives[0] for link in mandate.chain[:-1]}
        holders = {*acting} & {*mandate.representatives}
        too_few = bool(holders & named) and len(holders - named) < mandate.together
        return None in named or acting[0] in named or bool(granted_on & named) or too_few

    def answer(
        self,
        principal: str,
        acting: tuple[str, ...],
        permission: str,
        at: datetime,
        known_at: datetime | None,
        approval: Approval | None = None,
    ) -> tuple[str, str | None, str | None]:
        """Decision, reason, and the mandate that is named, for the first of those who act."""
        candidates = [
            mandate
            for mandate in self.mandates.values()
            if mandate.principal == principal and acting[0] in mandate.representatives
        ]
        blocked = [
            mandate
            for mandate in candidates
            if (known_at is None or mandate.issued_at <= known_at)
            and self.is_blocked(mandate, acting, at, known_at)
        ]
        reasons = {
            mandate.id: mandate.reason(permission, acting, at, known_at, approval)
            for mandate in candidates
            if mandate not in blocked
        }
        furthest = max(reasons.values(), key=FURTHER.index, default="no_mandate")
        if blocked and furthest not in CONDITIONAL:
            return "deny", "restricted", None
        if approval and (approval.principal, approval.representative) != (principal, acting[0]):
            return "deny", "party_mismatch", None
        if furthest not in CONDITIONAL:
            return "deny", furthest, None
        best = [self.mandates[found] for found, reason in reasons.items() if reason == furthest]
        latest = max(mandate.valid_until for mandate in best)
        named = min(mandate.id for mandate in best if mandate.valid_until == latest)
        return ("permit" if furthest is None else "conditional"), furthest, named

    def in_force(self, wanted: Mandate) -> bool:
        """Whether one with the same parties, template and permissions has time in common with this."""
        return any(
            (other.principal, sorted(other.representatives), other.permissions, other.template)
            == (wanted.principal, sorted(wanted.representatives), wanted.permissions, wanted.template)
            and other.valid_from < wanted.valid_until
            and wanted.valid_from < other.valid_until
            and not ({*ENDINGS, "used_up"} & {kind for kind, _ in other.events})
            and other.parent is wanted.parent
            for other in self.mandates.values()
        )

    def boundaries(self) -> list[datetime]:
        """Every time at which an answer may change."""
        times = {
            moment
            for mandate in self.mandates.values()
            for moment in (
                mandate.valid_from,
                mandate.valid_until,
                mandate.issued_at,
                *(moment for _, moment in mandate.events),
            )
        }
        for restriction in self.restrictions:
            times |= {restriction.imposed_at, restriction.valid_from}
            times |= {moment for moment in (restriction.valid_until, restriction.lifted_at) if moment}
        for approval in self.approvals:
            times |= {approval.deadline, approval.decided_at or approval.deadline}
        times |= {request.expires_at for request in self.requests} | birthdays()
        return sorted(times - {FOREVER})

    def end(self, mandate: Mandate, kind: str, now: datetime) -> None:
        """End a mandate, and with it what is below and not over by itself."""
        below = [item for item in self.mandates.values() if mandate in item.chain[:-1]]
        for item in below:
            if item.own_status(now) not in OVER:
                item.events.append(("revoked", now))
        mandate.events.append((kind, now))
