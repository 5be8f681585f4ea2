"""Outcomes as text for a terminal."""

from collections.abc import Iterator, Mapping

from registry.fsck.findings import Rebuilt, Report

MAX_SHOWN = 100


def describe(outcome: Report | Rebuilt) -> str:
    """Show a check or a rebuild as plain text: each finding, then the sums. No stored value is in it."""
    return "\n".join(_report(outcome) if isinstance(outcome, Report) else _rebuilt(outcome))


def _report(report: Report) -> Iterator[str]:
    yield from _findings(report)
    rows = sum(report.counts.values())
    pace = f" in {report.seconds:.1f} s" + (f", {rows / report.seconds:,.0f} a second" if rows else "")
    yield f"Checked {rows:,} rows{pace}:"
    yield from _counts(report.counts)
    if report.total == 0:
        yield "Everything is as it was written."
        return
    yield f"{report.total:,} findings:"
    for (table, kind), count in sorted(report.kinds.items()):
        yield f"  {table}: {kind.value} {count:,}"


def _rebuilt(rebuilt: Rebuilt) -> Iterator[str]:
    yield from _findings(rebuilt.left)
    yield f"Read {rebuilt.mandates:,} mandates in {rebuilt.left.seconds:.1f} s."
    yield "Rows written:"
    yield from _counts(rebuilt.written)
    yield "Rows removed:"
    yield from _counts(rebuilt.removed)
    if rebuilt.left.total:
        yield "Some mandates keep the rows they have: their records do not tell what these should be."


def _findings(report: Report) -> Iterator[str]:
    for finding in report.findings[:MAX_SHOWN]:
        place = f"{finding.table} {finding.row}" + (f" {finding.part}" if finding.part else "")
        yield f"{place}: {finding.kind.value}. {finding.sentence}"
    hidden = report.total - min(len(report.findings), MAX_SHOWN)
    if hidden:
        yield f"... and {hidden:,} more."


def _counts(counts: Mapping[str, int]) -> Iterator[str]:
    present = {table: count for table, count in counts.items() if count}
    for table, count in sorted(present.items()):
        yield f"  {table}: {count:,}"
    if not present:
        yield "  none"
