"""What mandates ought to do, written down as slowly and plainly as possible."""

from dataclasses import dataclass, field
from datetime import datetime

ENDINGS = {"revoked", "renounced", "superseded"}
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
    events: list[tuple[str, datetime]] = field(default_factory=list)

    def known(self, at: datetime, known_at: datetime | None) -> list[str]:
        """What had happened by then, as far as was known then."""
        return [kind for kind, moment in self.events if moment <= at and moment <= (known_at or moment)]

    def status(self, at: datetime, known_at: datetime | None = None) -> str:
        """Where the mandate stands."""
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

    def reason(
        self, permission: str, acting: frozenset[str], at: datetime, known_at: datetime | None
    ) -> str | None:
        """Why this mandate does not permit it; None where it does."""
        if known_at is not None and self.issued_at > known_at:
            return "no_mandate"
        if permission not in self.permissions:
            return "out_of_scope"
        status = self.status(at, known_at)
        if status == "revoked":
            first = next(kind for kind in self.known(at, known_at) if kind in ENDINGS)
            return "superseded" if first == "superseded" else "revoked"
        if status != "active":
            return status
        return "joint_exercise_required" if len(acting & {*self.representatives}) < self.together else None


@dataclass
class Model:
    """All mandates of one third party."""

    mandates: dict[str, Mandate] = field(default_factory=dict)

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
        return sorted(times)
