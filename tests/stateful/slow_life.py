"""What mandates ought to do, written down as slowly and plainly as possible."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

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
    "joint_exercise_required",
    None,
]
"""The reasons in the order in which a candidate comes further; None permits."""


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
        self, permission: str, acting: frozenset[str], at: datetime, known_at: datetime | None
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
        return "joint_exercise_required" if len(acting & {*self.representatives}) < self.together else None


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

    def blocks(self, acting: tuple[str, ...], at: datetime, known_at: datetime | None) -> bool:
        """Whether it stands against these, then."""
        if known_at is not None and self.imposed_at > known_at:
            return False
        is_lifted = (
            self.lifted_at is not None
            and self.lifted_at <= at
            and (known_at is None or self.lifted_at <= known_at)
        )
        in_time = self.valid_from <= at and (self.valid_until is None or at < self.valid_until)
        return in_time and not is_lifted and (self.representative is None or self.representative in acting)


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

    def answer(
        self,
        principal: str,
        acting: tuple[str, ...],
        permission: str,
        at: datetime,
        known_at: datetime | None,
    ) -> tuple[str, str | None, str | None]:
        """Decision, reason, and the mandate that is named, for the first of those who act."""
        reasons = {
            mandate.id: mandate.reason(permission, frozenset(acting), at, known_at)
            for mandate in self.mandates.values()
            if mandate.principal == principal and acting[0] in mandate.representatives
        }
        is_blocked = any(
            restriction.principal == principal and restriction.blocks(acting, at, known_at)
            for restriction in self.restrictions
        )
        is_known = any(known_at is None or self.mandates[found].issued_at <= known_at for found in reasons)
        if is_blocked and is_known:
            return "deny", "restricted", None
        furthest = max(reasons.values(), key=FURTHER.index, default="no_mandate")
        if furthest not in {None, "joint_exercise_required"}:
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
        return sorted(times | {request.expires_at for request in self.requests})

    def end(self, mandate: Mandate, kind: str, now: datetime) -> None:
        """End a mandate, and with it what is below and not over by itself."""
        below = [item for item in self.mandates.values() if mandate in item.chain[:-1]]
        for item in below:
            if item.own_status(now) not in OVER:
                item.events.append(("revoked", now))
        mandate.events.append((kind, now))
