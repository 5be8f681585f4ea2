"""A PostgreSQL server of one's own, for as long as a `with` lasts."""

import re
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from registry.embedded.cluster import SUPERUSER, read_password
from registry.embedded.errors import EmbeddedPostgresError
from registry.embedded.keeper import Keeper
from registry.embedded.places import PORT, settle

_DEFAULTS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A refused row or statement holds personal data, and the log is not the place for them.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
_SETTING = re.compile(r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?", re.ASCII)
_OWN_SETTINGS = frozenset(
    {
        "config_file",
        "data_directory",
        "external_pid_file",
        "hba_file",
        "listen_addresses",
        "logging_collector",
        "port",
        "unix_socket_directories",
        "unix_socket_permissions",
    }
)


class EmbeddedPostgres:
    """PostgreSQL on this machine, its data kept in `data_dir`.

    Entering it returns when the server takes connections. It makes the cluster if there is none and recovers
    one whose server was killed. If another process is already inside its `with` for the same `data_dir`,
    that one's server is used, with that one's settings; if that process ends or is killed, one of those
    still inside starts the server again. A server that dies is started again too. Leaving stops a
    server of this process's own, and never another's.

    Where PostgreSQL cannot run in `data_dir`, because only root can go there, the data lie elsewhere: the
    property `data_dir` and a file `location` say where. Such data are deleted by a later run if `data_dir`
    was in the temporary directory and is gone.

    `settings` are PostgreSQL settings by name; `fsync` and `synchronous_commit` are on unless said otherwise.
    `bin_dir` names the directory of the programs `postgres` and `initdb`, instead of looking for them.
    """

    def __init__(
        self, data_dir: Path, *, settings: Mapping[str, str] | None = None, bin_dir: Path | None = None
    ) -> None:
        """Take the settings. Raises `ValueError` for a name that is none, or not the caller's to set."""
        for name in settings or {}:
            if not _SETTING.fullmatch(name):
                raise ValueError(f"`{name}` is not the name of a PostgreSQL setting.")
            if name in _OWN_SETTINGS:
                raise ValueError(f"The setting `{name}` is not free: the embedded server sets it itself.")
        self._requested = data_dir
        self._settings = _DEFAULTS | dict(settings or {})
        self._bin_dir = bin_dir
        self._keeper: Keeper | None = None

    def __enter__(self) -> Self:
        """Start the server or find the running one. Raises `EmbeddedPostgresError`."""
        if self._keeper is not None:
            raise EmbeddedPostgresError("This server has already been entered.")
        try:
            places = settle(self._requested)
        except OSError as error:
            raise EmbeddedPostgresError(f"{self._requested} cannot hold the data: {error}.") from error
        keeper = Keeper(places, self._settings, self._bin_dir)
        keeper.start()
        try:
            keeper.wait_until_ready()
        except BaseException:
            keeper.stop()
            raise
        self._keeper = keeper
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop the server if it is this process's own."""
        keeper, self._keeper = self._running(), None
        keeper.stop()

    @property
    def data_dir(self) -> Path:
        """The directory that holds the data, the password and the log, wherever it had to be."""
        return self._running().places.home

    @property
    def is_owner(self) -> bool:
        """Whether the server runs under this process; it may come to, when the owner ends."""
        return self._running().is_owner

    def dsn(self, database: str = "postgres") -> str:
        """Return the URL of a database, with the superuser's login and password.

        It is for `asyncpg.connect`, libpq and, with `postgresql+asyncpg` as its scheme, SQLAlchemy.
        """
        keeper = self._running()
        password = quote(read_password(keeper.places), safe="")
        # The port is the default one, but the environment variable PGPORT would change that for the client.
        place = f"host={keeper.socket_dir}&port={PORT}"
        return f"postgresql://{SUPERUSER}:{password}@/{quote(database, safe='')}?{place}"

    def _running(self) -> Keeper:
        """Return the keeper of an entered server."""
        if self._keeper is None:
            raise EmbeddedPostgresError("The server is not running: use it inside its `with`.")
        return self._keeper
