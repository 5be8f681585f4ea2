"""Start, watch and end the processes of PostgreSQL.

Every one of them inherits a locked file (`server.lock`). The lock is free when, and only when, none of them
is left: that is how an earlier server's leavings are found, whatever was killed, and whatever number the
operating system has given to another process since.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from registry.embedded.errors import EmbeddedPostgresError
from registry.embedded.places import Places
from registry.embedded.private_files import is_lockable, lock, open_private

_STEP = 0.005
_LAUNCHER = Path(__file__).with_name("launcher.py")
_KEPT_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
# Line 8 of postmaster.pid (src/include/utils/pidfile.h, LOCK_FILE_LINE_PM_STATUS).
_STATUS_LINE = 7


def launch(
    places: Places, command: Sequence[str], *, parent_death: signal.Signals
) -> subprocess.Popen[bytes]:
    """Start a program as the server's account, with its output at the end of the log.

    Where the operating system can, the program gets the signal `parent_death` when the *thread* that called
    this ends, however it ends. It gets none of this process's terminal, signals or environment
    variables. Raises `EmbeddedPostgresError` if an earlier server still runs.
    """
    held = lock(places.server_lock)
    if held is None:
        raise EmbeddedPostgresError(f"An earlier server is still running on {places.cluster}.")
    log = open_private(places.log)
    identity = (os.getpid(), parent_death.value, places.account.uid, places.account.gid)
    try:
        return subprocess.Popen(  # noqa: S603 - our launcher, and a PostgreSQL program that was found
            [sys.executable, "-I", "-S", str(_LAUNCHER), *map(str, identity), *command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(held,),
            cwd="/",
            env={"LC_ALL": "C", "TZ": "UTC"}
            | {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ},
            start_new_session=True,
        )
    finally:
        os.close(log)
        os.close(held)


def wait_until_ready(
    places: Places, server: subprocess.Popen[bytes], stop: threading.Event, patience: float
) -> bool:
    """Wait until the server takes connections; return False if `stop` was set before.

    Raises `EmbeddedPostgresError` if the server ends, or is not ready after `patience` seconds.
    """
    deadline = time.monotonic() + patience
    while not _says_ready(places.cluster, server.pid):
        if server.poll() is not None:
            raise EmbeddedPostgresError(
                f"PostgreSQL ended with status {server.returncode} while starting.\n{log_tail(places)}"
            )
        if time.monotonic() > deadline:
            raise EmbeddedPostgresError(
                f"PostgreSQL was not ready after {patience:.0f} seconds.\n{log_tail(places)}"
            )
        if stop.wait(_STEP):
            return False
    return True


def stop_server(server: subprocess.Popen[bytes]) -> None:
    """Shut the server down: fast, then at once, then by force. Takes at most half a minute."""
    for signal_number, patience in ((signal.SIGINT, 15.0), (signal.SIGQUIT, 8.0), (signal.SIGKILL, 5.0)):
        server.send_signal(signal_number)
        with suppress(subprocess.TimeoutExpired):
            server.wait(patience)
            return


def clear_leftovers(places: Places) -> None:
    """Wait until nothing is left of an earlier server, ending it by force where it does not go by itself.

    What remains is an orderly place to start: no process, and no postmaster.pid whose number another
    process may have by now. Committed data are in no danger: PostgreSQL recovers them from its log.
    Raises `EmbeddedPostgresError` if processes remain, or if a server runs on the data that was not
    started here.
    """
    descriptor = open_private(places.server_lock)
    try:
        for signal_number, patience in ((None, 1.0), (signal.SIGQUIT, 3.0), (signal.SIGKILL, 5.0)):
            if signal_number is not None:
                _signal_all(places, signal_number)
            if _is_locked_within(descriptor, patience):
                break
        else:
            raise EmbeddedPostgresError(f"Processes of an earlier server on {places.cluster} do not end.")
    finally:
        os.close(descriptor)
    if strangers := _server_processes(places):
        raise EmbeddedPostgresError(
            f"Another PostgreSQL (process {strangers[0]}) already runs on {places.cluster}: stop it first."
        )
    (places.cluster / "postmaster.pid").unlink(missing_ok=True)


def log_tail(places: Places, lines: int = 20) -> str:
    """Return the last lines of the server's log, at most 4000 characters."""
    try:
        text = places.log.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-lines:])[-4000:]


def _is_locked_within(descriptor: int, patience: float) -> bool:
    """Lock an open file, waiting at most `patience` seconds for it."""
    deadline = time.monotonic() + patience
    while not is_lockable(descriptor):
        if time.monotonic() > deadline:
            return False
        time.sleep(_STEP)
    return True


def _says_ready(cluster: Path, pid: int) -> bool:
    """Read in postmaster.pid whether this very server takes connections."""
    try:
        lines = (cluster / "postmaster.pid").read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return False
    return len(lines) > _STATUS_LINE and lines[0] == str(pid) and lines[_STATUS_LINE].strip() == "ready"


def _signal_all(places: Places, signal_number: signal.Signals) -> None:
    """Send a signal to every PostgreSQL process of this home."""
    for pid in _server_processes(places):
        with suppress(ProcessLookupError):
            os.kill(pid, signal_number)


def _server_processes(places: Places) -> list[int]:
    """Find the PostgreSQL processes that work in the cluster, or in the one in the making."""
    if not Path("/proc/self/cwd").exists():
        return _postmaster_by_ps(places.cluster)
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        # Gone by now, or of another user: neither is ours.
        with suppress(OSError):
            # Every PostgreSQL process works in its data directory.
            is_here = (process / "cwd").readlink().is_relative_to(places.home)
            if is_here and (process / "exe").readlink().name.startswith("postgres"):
                found.append(int(process.name))
    return found


def _postmaster_by_ps(cluster: Path) -> list[int]:
    """Find the postmaster on a system without /proc: its children end with it."""
    try:
        pid = int(
            (cluster / "postmaster.pid").read_text(encoding="utf-8", errors="replace").split("\n", 1)[0]
        )
        done = subprocess.run(  # noqa: S603 - the number has just been parsed
            ["/bin/ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return []
    return [pid] if "postgres" in done.stdout and str(cluster) in done.stdout else []
