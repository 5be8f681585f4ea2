"""What a check found, in plain words for whoever has to rely on it."""

from dataclasses import dataclass, field
from enum import IntEnum

from registry.tlog.notes import VerifierKey

_UNPINNED = (
    "IT AGREES WITH ITSELF, no more: whoever forged it could have forged the keys in it, too.",
    "With keys that you have from elsewhere (--jwks, --key) this would be proved:",
)


class Outcome(IntEnum):
    """How a check ended; its number is the exit code of `registry verify`."""

    PROVED = 0
    REFUSED = 1
    SELF_CONSISTENT = 3


@dataclass(frozen=True, slots=True)
class Trust:
    """What the one who checks knows from elsewhere: the registry's key set, keys of its log and witnesses.

    Without them a bundle is checked by the keys that it brings along, which shows only that it agrees with
    itself.
    """

    jwks: bytes | None = None
    verifiers: tuple[VerifierKey, ...] = ()


@dataclass(slots=True)
class Verdict:
    """What was looked at, what it says, which steps held, what that proves, and what it does not."""

    subject: str
    says: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    broken: str | None = None
    proves: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    is_pinned: bool = True

    @property
    def outcome(self) -> Outcome:
        """Refused at the first step that does not hold; proved by keys that were given alone."""
        if self.broken is not None:
            return Outcome.REFUSED
        return Outcome.PROVED if self.is_pinned else Outcome.SELF_CONSISTENT

    @property
    def text(self) -> str:
        """All of it for a terminal: nothing that a party wrote can break a line, or hide one."""
        return "\n".join(map(_one_line, self._lines()))

    def _lines(self) -> list[str]:
        lines = [self.subject, ""]
        if self.says:
            lines += ["What it says:", *(f"  {line}" for line in self.says), ""]
        lines += [f"  ok      {line}" for line in self.held]
        if self.broken is not None:
            return [*lines, f"  BROKEN  {self.broken}", "", "REFUSED: do not rely on it."]
        words = ("PROVED:",) if self.is_pinned else _UNPINNED
        lines += ["", *words, *(f"  - {line}" for line in self.proves)]
        return [*lines, "", "NOT proved:", *(f"  - {line}" for line in self.open)]


def _one_line(text: str) -> str:
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
