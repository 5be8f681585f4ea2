"""What a check found: where, what kind, and a sentence. Never a stored value, so never personal data."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

from registry.signing.canonical import canonical_bytes

MAX_KEPT = 10_000

Row: TypeAlias = dict[str, Any]
"""A stored row by column, as `registry.fsck.rows` reads it."""


class Kind(StrEnum):
    """What is wrong, stable for machines."""

    MISSING_ROW = "missing_row"
    UNEXPECTED_ROW = "unexpected_row"
    MISSING_SECRET = "missing_secret"  # noqa: S105  # a kind of finding, not a secret
    UNDECRYPTABLE = "undecryptable"
    COMMITMENT_MISMATCH = "commitment_mismatch"
    SEAL_BROKEN = "seal_broken"
    UNREADABLE = "unreadable"
    DIGEST_MISMATCH = "digest_mismatch"
    NUMBER_GAP = "number_gap"
    CHAIN_BROKEN = "chain_broken"
    COLUMN_MISMATCH = "column_mismatch"
    UNVERIFIABLE = "unverifiable"
    NOT_LOGGED = "not_logged"
    LOG_MISMATCH = "log_mismatch"


_SENTENCES = {
    Kind.MISSING_ROW: "The row that the sealed records call for is not there.",
    Kind.UNEXPECTED_ROW: "No sealed record calls for this row.",
    Kind.MISSING_SECRET: "The data key of a record that is there, and was never erased, is not.",
    Kind.UNDECRYPTABLE: "`{part}` was changed, or was encrypted for another row or under another key.",
    Kind.COMMITMENT_MISMATCH: "`{part}` is not the commitment to the row's sealed bytes.",
    Kind.SEAL_BROKEN: "The signature in `{part}` is not the registry's over these bytes.",
    Kind.UNREADABLE: "`{part}` is not the document that belongs here.",
    Kind.DIGEST_MISMATCH: "`{part}` is not the digest of what it stands for.",
    Kind.NUMBER_GAP: "The numbers before this one are not all there, without a gap.",
    Kind.CHAIN_BROKEN: "`{part}` is not the digest of the sealed bytes before these.",
    Kind.COLUMN_MISMATCH: "`{part}` is not what the sealed records say.",
    Kind.NOT_LOGGED: "Neither the transparency log nor its queue has an entry for this row.",
    Kind.LOG_MISMATCH: "`{part}` is not what the transparency log has a commitment to.",
    Kind.UNVERIFIABLE: "Not checked, because `{part}` cannot be read.",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One mismatch.

    `row` is the primary key, its parts joined by `/` (the partition time is left out); `part` is a column
    or a member of a sealed document, empty where the whole row is meant.
    """

    table: str
    row: str
    part: str
    kind: Kind

    @property
    def sentence(self) -> str:
        """What is wrong, for a person."""
        return _SENTENCES[self.kind].format(part=self.part)


@dataclass(frozen=True, slots=True)
class Spot:
    """A row under inspection: what is wrong with it is noted in `found` under its table and key."""

    found: list[Finding]
    table: str
    row: str

    def note(self, part: str, kind: Kind) -> None:
        """Add a finding about this row."""
        self.found.append(Finding(self.table, self.row, part, kind))

    def compare(self, stored: Row, expected: Mapping[str, Any]) -> None:
        """Note every column that is not as expected."""
        for column in differing(stored, expected):
            self.note(column, Kind.COLUMN_MISMATCH)


def differing(stored: Row, expected: Mapping[str, Any]) -> list[str]:
    """Name the columns of a stored row whose values are not the expected ones."""
    return [name for name, value in expected.items() if not _is_same(stored[name], value)]


def _is_same(stored: object, expected: object) -> bool:
    if isinstance(expected, dict):
        # In JSON 1 and true differ; in Python they are equal.
        return isinstance(stored, dict) and canonical_bytes(stored) == canonical_bytes(expected)
    return stored == expected


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a check has come: `checked` rows of `table`, of about `expected` (None: not known)."""

    table: str
    checked: int
    expected: int | None


Watcher: TypeAlias = Callable[[Progress], None] | None


@dataclass(slots=True)
class Tally:
    """Collects findings and row counts in bounded memory."""

    counts: Counter[str] = field(default_factory=Counter)
    kinds: Counter[tuple[str, Kind]] = field(default_factory=Counter)
    kept: list[Finding] = field(default_factory=list)

    def add(self, findings: Iterable[Finding]) -> None:
        """Count findings; keep them while there is room."""
        for finding in findings:
            self.kinds[finding.table, finding.kind] += 1
            if len(self.kept) < MAX_KEPT:
                self.kept.append(finding)


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a check.

    `counts` are rows read per table, `kinds` findings per table and kind (all of them), `findings` the
    first 10,000, `seconds` the time it took.
    """

    counts: Mapping[str, int]
    kinds: Mapping[tuple[str, Kind], int]
    findings: tuple[Finding, ...]
    seconds: float

    @property
    def total(self) -> int:
        """How many findings there are in all."""
        return sum(self.kinds.values())

    @property
    def exit_code(self) -> int:
        """0 where everything is as it was written, 1 where anything is not."""
        return int(self.total > 0)


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The outcome of a rebuild: how many mandates were read, and rows written and removed per table.

    `left` are the mandates whose projection was left as it was, each with what is wrong in its records.
    """

    mandates: int
    written: Mapping[str, int]
    removed: Mapping[str, int]
    left: Report

    @property
    def exit_code(self) -> int:
        """0 where every mandate was rebuilt, 1 where records that cannot be read kept one from it."""
        return self.left.exit_code
