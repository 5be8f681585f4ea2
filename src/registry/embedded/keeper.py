"""The thread that keeps a server running, in each process that uses it.

It is one thread from start to stop, because the server is told of the end of the *thread* that started
it (PR_SET_PDEATHSIG), and because whoever uses the server may do so in any thread.
"""

import json
import logging
import os
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path

from registry.embedded.binaries import find_installation, reachable
from registry.embedded.cluster import ensure_cluster, read_password
from registry.embedded.errors import EmbeddedPostgresError
from registry.embedded.places import PORT, Places, renew_socket_directory
from registry.embedded.private_files import lock, write_private
from registry.embedded.processes import clear_leftovers, launch, log_tail, stop_server, wait_until_ready

_logger = logging.getLogger(__name__)

# A recovery that is cut short begins again from the start, so it gets more time than it can need.
_PATIENCE = 300.0
_ATTACH_STEP = 0.01
_WATCH_STEP = 0.2
# The one question that is answered without a login; on a Unix socket the answer is N, for no
# (PostgreSQL documentation, "Message Formats", SSLRequest).
_SSL_REQUEST = struct.pack("!II", 8, 80877103)
_SHORT_LIFE = 10.0
_SHORT_LIVES = 3

_locks: set[int] = set()


def _drop_locks() -> None:
    """Let go of the owner's locks in a forked child, which would keep them when its parent is killed."""
    for held in _locks:
        os.close(held)
    _locks.clear()


os.register_at_fork(after_in_child=_drop_locks)


class Keeper:
    """Runs the server of one home in this process, or follows the process that does.

    `socket_dir` is where the server's socket is; it is set once `wait_until_ready` has returned.
    """

    def __init__(self, places: Places, settings: Mapping[str, str], bin_dir: Path | None) -> None:
        self.places = places
        self.socket_dir = places.sockets
        self.is_owner = False
        self._settings = settings
        self._bin_dir = bin_dir
        self._ready: Future[None] = Future()
        self._stop = threading.Event()
        # A daemon, so that a process that never leaves its `with` can end; the server then ends with it.
        self._thread = threading.Thread(target=self._run, name="embedded-postgres", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def wait_until_ready(self) -> None:
        """Return when there is a server. Raises `EmbeddedPostgresError` when there will be none."""
        self._ready.result()

    def stop(self) -> None:
        """Stop the server if it is this process's own, and the thread."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        """Own the server whenever no other process does, until told to stop."""
        try:
            deadline = time.monotonic() + _PATIENCE
            while not self._stop.is_set():
                held = lock(self.places.owner_lock)
                if held is None:
                    self._follow(deadline)
                    continue
                _locks.add(held)
                try:
                    self._own()
                finally:
                    self.is_owner = False
                    _locks.remove(held)
                    os.close(held)
        except OSError as error:
            self._fail(EmbeddedPostgresError(f"{self.places.home} cannot be used: {error}."))
        except Exception as error:  # noqa: BLE001 - the thread that waits has to get it, whatever it is
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        """Tell whoever waits for the server; or, if it had been running, the log."""
        if self._ready.done():
            _logger.error("The embedded PostgreSQL is gone for good: %s", error)
        else:
            self._ready.set_exception(error)

    def _follow(self, deadline: float) -> None:
        """Look once whether the owner's server is there, and pause."""
        if self._ready.done():
            self._stop.wait(_WATCH_STEP)
            return
        socket_dir = _read_state(self.places.state)
        if socket_dir is not None and _answers(socket_dir):
            self.socket_dir = socket_dir
            self._ready.set_result(None)
        elif time.monotonic() > deadline:
            raise EmbeddedPostgresError(
                f"Another process has owned {self.places.home} for {_PATIENCE:.0f} seconds without a server "
                f"coming up.\n{log_tail(self.places)}"
            )
        else:
            self._stop.wait(_ATTACH_STEP)

    def _own(self) -> None:
        """Run servers, one after the death of another, until told to stop.

        Raises `EmbeddedPostgresError` when one does not start, or when they keep dying soon after.
        """
        self.places.state.unlink(missing_ok=True)
        self.is_owner = True
        short_lives = 0
        while not self._stop.is_set():
            server = self._start_server()
            started_at = time.monotonic()
            try:
                if wait_until_ready(self.places, server, self._stop, _PATIENCE):
                    self._announce()
                    while server.poll() is None and not self._stop.wait(_WATCH_STEP):
                        pass
            finally:
                self.places.state.unlink(missing_ok=True)
                stop_server(server)
                shutil.rmtree(self.socket_dir, ignore_errors=True)
            if self._stop.is_set():
                return
            short_lives = short_lives + 1 if time.monotonic() - started_at < _SHORT_LIFE else 0
            if short_lives == _SHORT_LIVES:
                raise EmbeddedPostgresError(f"PostgreSQL keeps ending.\n{log_tail(self.places)}")
            _logger.warning(
                "The embedded PostgreSQL ended with status %s: starting again.", server.returncode
            )

    def _start_server(self) -> subprocess.Popen[bytes]:
        """Put everything in its place and start the server's process."""
        places = self.places
        if places.log.exists():
            places.log.replace(places.log.with_name(f"{places.log.name}.1"))
        clear_leftovers(places)
        installation = reachable(find_installation(self._bin_dir), places)
        ensure_cluster(places, installation, is_durable=self._settings["fsync"] != "off")
        read_password(places)
        self.socket_dir = renew_socket_directory(places)
        settings = {
            **self._settings,
            "listen_addresses": "",
            "port": str(PORT),
            "unix_socket_directories": str(self.socket_dir),
            "unix_socket_permissions": "0700",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [str(installation.bin_dir / "postgres"), "-D", str(places.cluster), *options]
        # Not SIGINT: its checkpoint may take long, and whoever starts next would have to wait for it. The
        # immediate shutdown is bounded (the postmaster kills its children after 5 seconds) and loses nothing.
        return launch(places, command, parent_death=signal.SIGQUIT)

    def _announce(self) -> None:
        """Let other processes attach, and this one go on."""
        write_private(self.places.state, json.dumps({"socket_dir": str(self.socket_dir)}))
        if not self._ready.done():
            self._ready.set_result(None)


def _read_state(path: Path) -> Path | None:
    """Return where the running server's socket is, None if there is none to be found."""
    try:
        return Path(json.loads(path.read_text(encoding="utf-8"))["socket_dir"])
    except FileNotFoundError:
        return None


def _answers(socket_dir: Path) -> bool:
    """Tell whether a server answers there: for a moment, even a killed one can be connected to."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1.0)
        try:
            client.connect(str(socket_dir / f".s.PGSQL.{PORT}"))
            client.sendall(_SSL_REQUEST)
            return client.recv(1) == b"N"
        except OSError:
            return False
