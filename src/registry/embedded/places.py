"""Where the embedded cluster lies on disk.

One directory, the home, holds all that belongs to it:

    cluster/      the data directory, 0700, owned by the server's account
    sockets/      the server's socket while it runs, 0700 (elsewhere if the path is too long for one)
    password      of the superuser `registry`, 0600
    server.log    of this run, and server.log.1 of the one before, 0600
    server.json   where the running server is found, 0600
    owner.lock    locked by the process that runs the server
    server.lock   locked by the server's own processes, as long as one of them lives
    initdb/       a cluster in the making
    origin        the path that was asked for, if it is another
    binaries-*/   a copy of the binaries, where the server's account cannot reach the original
"""

import os
import re
import shutil
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from registry.embedded.accounts import Account, choose_account, is_root
from registry.embedded.errors import EmbeddedPostgresError
from registry.embedded.private_files import make_private_directory, make_trusted_directory
from registry.embedded.relocation import NAME, digest, note, relocate

PORT = 5432

# sizeof(sun_path) - 1: unix(7) on Linux, sys/un.h on the BSDs and macOS.
_LONGEST_SOCKET_PATH = 107 if sys.platform == "linux" else 103
# What needs no quoting in a connection URL, in asyncpg's list of hosts or in a PostgreSQL setting.
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Places:
    """The home of one cluster, and the account that its server runs as."""

    home: Path
    account: Account

    @property
    def cluster(self) -> Path:
        """PostgreSQL's data directory; it exists only once it is complete."""
        return self.home / "cluster"

    @property
    def password(self) -> Path:
        """Hold the superuser's password."""
        return self.home / "password"

    @property
    def log(self) -> Path:
        """Take what `initdb` and the server print."""
        return self.home / "server.log"

    @property
    def state(self) -> Path:
        """Say where the running server is found."""
        return self.home / "server.json"

    @property
    def owner_lock(self) -> Path:
        """Decide which process runs the server."""
        return self.home / "owner.lock"

    @property
    def server_lock(self) -> Path:
        """Stay locked as long as any process of the server lives."""
        return self.home / "server.lock"

    @property
    def sockets(self) -> Path:
        """Hold the server's socket, where the path is not too long for one."""
        return self.home / "sockets"

    @property
    def initdb(self) -> Path:
        """Hold a cluster in the making; left behind, it is a half-finished one."""
        return self.home / "initdb"


def settle(requested: Path) -> Places:
    """Find the home for `requested` and make it.

    The home is `requested` itself, unless this process is root and the server's account cannot enter a
    directory above it: see `registry.embedded.relocation`. Raises `EmbeddedPostgresError` where no place
    will do, `OSError` where it cannot be made.
    """
    wanted = requested.expanduser().resolve()
    account = choose_account(wanted)
    if not is_root() or account.may_enter(wanted.parent):
        home = wanted
    else:
        home = relocate(wanted)
        account = choose_account(home)
    _make_home(home, account)
    if home != wanted:
        note(wanted, home)
    return Places(home, account)


def _make_home(home: Path, account: Account) -> None:
    """Make the home and what is missing above it; root lets the server's account pass through."""
    for directory in reversed([path for path in home.parents if not path.exists()]):
        directory.mkdir(exist_ok=True)
        if is_root():
            directory.chmod(0o755)  # whatever the umask
    home.mkdir(mode=0o700, exist_ok=True)
    if is_root() and not account.may_enter(home):
        home.chmod(stat.S_IMODE(home.stat().st_mode) | 0o011)


def renew_socket_directory(places: Places) -> Path:
    """Make an empty directory for the server's socket, and remove what an earlier server left there.

    It lies in the home, or in a directory of this user's own where that path is longer than a socket's may be
    or would need quoting. Raises `EmbeddedPostgresError` where there is no such place.
    """
    for directory in (places.sockets, *_short_directories(places.home)):
        socket = directory / f".s.PGSQL.{PORT}"
        if len(os.fsencode(socket)) > _LONGEST_SOCKET_PATH or not _PLAIN_PATH.fullmatch(str(directory)):
            continue
        if directory != places.sockets and not make_trusted_directory(directory.parent):
            continue
        shutil.rmtree(directory, ignore_errors=True)
        make_private_directory(directory, places.account)
        return directory
    raise EmbeddedPostgresError(
        f"There is no place for PostgreSQL's socket: the path of {places.home} is too long for one, "
        "and no other directory is safe. Choose a shorter data directory."
    )


def _short_directories(home: Path) -> Iterator[Path]:
    """Name where else the socket may lie, best first; the same in every process of this user."""
    runtime = Path("/run") if is_root() else Path(f"/run/user/{os.geteuid()}")
    for base in (runtime, Path("/tmp"), Path("/var/tmp")):  # noqa: S108 - see make_trusted_directory
        if base.is_dir():
            yield base.resolve() / f"{NAME}-{os.geteuid()}" / digest(home)
