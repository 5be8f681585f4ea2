"""What the tests of the embedded PostgreSQL share: queries, other processes, waiting."""

import asyncio
import fcntl
import json
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

QUICK = {"fsync": "off"}
# To be found again whatever happens between.
ROWS = "DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT generate_series(1, 1000) AS number"
SUM = "SELECT sum(number) FROM kept"
_T = TypeVar("_T")
_HOLDING = Path(__file__).parent / "embedded" / "holding_process.py"


def run(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine to its end, on an event loop that the tests' own knows nothing of."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.close()


def fetch(dsn: str, query: str) -> Any:  # noqa: ANN401 - whatever the query returns
    """Run one statement on a connection of its own; return its first value."""
    return run(_fetch(dsn, query))


async def _fetch(dsn: str, query: str) -> Any:  # noqa: ANN401 - as above
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def execute(dsn: str, script: str) -> None:
    """Run any number of statements in one transaction."""
    run(_execute(dsn, script))


async def _execute(dsn: str, script: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(script)
    finally:
        await connection.close()


def fetch_when_back(dsn: str, query: str) -> Any:  # noqa: ANN401 - as above
    """Ask until there is a server again, for at most 20 seconds."""
    deadline = time.monotonic() + 20
    while True:
        try:
            return fetch(dsn, query)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.005)


def wait_until(condition: Callable[[], bool]) -> None:
    """Return as soon as the condition holds; fail after 20 seconds."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it did not come about within 20 seconds"
        time.sleep(0.005)


def postmaster(home: Path) -> int:
    return int((home / "cluster" / "postmaster.pid").read_text().split("\n", 1)[0])


def has_processes(home: Path) -> bool:
    """Tell whether any process of the server in `home` lives."""
    with (home / "server.lock").open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


class Holder:
    """Another process inside its `with`."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def hear(self) -> dict[str, Any]:
        """Return what it says when it is there."""
        assert self.process.stdout is not None
        heard: dict[str, Any] = json.loads(self.process.stdout.readline())
        return heard

    def ask(self) -> dict[str, Any]:
        """Let it say how it stands now."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.hear()

    def leave(self) -> None:
        """Let it leave its `with` and end."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.wait(30) == 0

    def kill(self) -> None:
        """End it as `kill -9` does."""
        self.process.kill()
        self.process.wait(30)


@contextmanager
def holder(
    home: Path,
    *options: str,
    python: Sequence[str] = (sys.executable,),
    env: Mapping[str, str] | None = None,
    user: int | None = None,
) -> Iterator[Holder]:
    """Start another process that uses the embedded PostgreSQL in `home`."""
    identity: dict[str, Any] = {} if user is None else {"user": user, "group": user, "extra_groups": []}
    with subprocess.Popen(  # noqa: S603 - our own program
        [*python, str(_HOLDING), str(home), *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=env,
        cwd="/",
        **identity,
    ) as process:
        try:
            yield Holder(process)
        finally:
            process.kill()
