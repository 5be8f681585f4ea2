"""The demo is loaded in many small steps; wherever it is cut off, the next call completes it."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, event

from registry.demo.loader import load_demo
from registry.identity.issuers import TrustedIssuers
from registry.signing.keys import KeyRing, save_key_ring
from registry.storage.database import Database

Snapshot = dict[str, list[str]]
LOADER = Path(__file__).with_name("killed_loader.py")
ROWS = {
    "clients": 8,
    "templates": 6,
    "template_versions": 6,
    "template_publications": 6,
    "mandate_records": 10,
    "mandate_states": 10,
    "representations": 10,
    "mandate_evidence": 11,
    "mandate_events": 5,
    "mandate_endings": 2,
    "erasable_secrets": 10,
}
COMMITS = 1 + 2 * 6 + 10 + 4 + 1
"""The first client, templates made and published, mandates, what happened to four of them, other clients."""


class CutOffError(Exception):
    """The process would have died here."""


def rows(snapshot: Snapshot) -> dict[str, int]:
    return {name: len(snapshot[name]) for name in ROWS}


async def test_it_completes_though_every_step_is_its_last(
    empty: Database,
    keys: KeyRing,
    issuers: TrustedIssuers,
    snapshot: Callable[[], Awaitable[Snapshot]],
) -> None:
    commits = 0

    def allow_one(connection: Connection) -> None:
        nonlocal commits
        if not connection.get_execution_options().get("postgresql_readonly"):
            commits += 1
            if commits > 1:
                raise CutOffError

    event.listen(empty.engine.sync_engine, "commit", allow_one)
    start = datetime.now(UTC)
    attempts, summary = 0, None
    while summary is None:
        attempts, commits = attempts + 1, 0
        try:
            summary = await load_demo(empty, keys, issuers, now=start + timedelta(hours=attempts))
        except CutOffError:
            continue
    assert attempts == COMMITS + 1
    assert summary.data.start == start + timedelta(hours=1)
    assert rows(await snapshot()) == ROWS


async def test_it_completes_after_kill_9(
    empty_url: str, keys: KeyRing, snapshot: Callable[[], Awaitable[Snapshot]], tmp_path: Path
) -> None:
    save_key_ring(tmp_path / "keys.json", keys)
    command = [sys.executable, str(LOADER), empty_url, str(tmp_path / "keys.json"), str(COMMITS // 2)]
    ends = []
    while 0 not in ends:
        run = await asyncio.to_thread(subprocess.run, command, check=False)
        ends.append(run.returncode)
        assert (rows(await snapshot()) == ROWS) is (run.returncode == 0)
    assert ends == [-signal.SIGKILL, -signal.SIGKILL, 0]


async def test_of_two_at_once_one_loads(
    empty: Database,
    keys: KeyRing,
    issuers: TrustedIssuers,
    snapshot: Callable[[], Awaitable[Snapshot]],
) -> None:
    now = datetime.now(UTC)
    summaries = await asyncio.gather(*(load_demo(empty, keys, issuers, now=now) for _ in range(2)))
    assert sorted(summary.is_new for summary in summaries) == [False, True]
    assert rows(await snapshot()) == ROWS
