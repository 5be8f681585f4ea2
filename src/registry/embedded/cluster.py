"""Make a cluster, and refuse one that these programs cannot use."""

import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from registry.embedded.binaries import Installation
from registry.embedded.errors import EmbeddedPostgresError
from registry.embedded.places import Places
from registry.embedded.private_files import make_private_directory, write_private
from registry.embedded.processes import launch, log_tail

SUPERUSER = "registry"

_INITDB_PATIENCE = 120.0
# PostgreSQL 17 brought the locale provider that needs nothing of the operating system.
_BUILTIN_LOCALES_SINCE = 17


def ensure_cluster(places: Places, installation: Installation, *, is_durable: bool) -> None:
    """Make the cluster unless it is there, and check that it fits the installation.

    It is made in a directory of its own and moved into place when it is complete, so one that was
    interrupted is made anew. `is_durable` says whether it is flushed to disk first. The caller holds the
    owner's lock. Raises `EmbeddedPostgresError` if `initdb` fails or the data are of another major
    version, `OSError` if the disk is full or not writable.
    """
    shutil.rmtree(places.initdb, ignore_errors=True)
    if not places.cluster.exists():
        _make_cluster(places, installation, is_durable=is_durable)
    try:
        version = (places.cluster / "PG_VERSION").read_text(encoding="ascii").strip()
    except FileNotFoundError:
        raise EmbeddedPostgresError(f"{places.cluster} is not a PostgreSQL data directory.") from None
    if version != str(installation.major):
        raise EmbeddedPostgresError(
            f"The data in {places.cluster} were written by PostgreSQL {version}, but the programs in "
            f"{installation.bin_dir} are PostgreSQL {installation.major} and cannot read them: install "
            f"version {version}, or dump the data with it and restore them into a new directory."
        )


def read_password(places: Places) -> str:
    """Return the superuser's password. Raises `EmbeddedPostgresError` if it is lost."""
    try:
        return places.password.read_text(encoding="ascii")
    except FileNotFoundError:
        raise EmbeddedPostgresError(
            f"The superuser's password is missing: restore {places.password}, it belongs to the data there."
        ) from None


def _make_cluster(places: Places, installation: Installation, *, is_durable: bool) -> None:
    """Run `initdb` beside the cluster's place, then move the result there."""
    if not places.password.exists():
        write_private(places.password, secrets.token_urlsafe(24), is_durable=is_durable)
    make_private_directory(places.initdb, places.account)
    # A copy, because the server's account has to read it and may not read the one in the home.
    password = places.initdb / "password"
    write_private(password, read_password(places))
    data = places.initdb / "data"
    options = [
        f"--pgdata={data}",
        f"--username={SUPERUSER}",
        f"--pwfile={password}",
        "--auth=scram-sha-256",
        "--data-checksums",
        "--encoding=UTF8",
        "--no-instructions",
        *_locale_options(installation.major),
        *([] if is_durable else ["--no-sync"]),
    ]
    _run_initdb(places, [str(installation.bin_dir / "initdb"), *options])
    data.rename(places.cluster)
    if is_durable:
        _flush_directory(places.home)
    shutil.rmtree(places.initdb, ignore_errors=True)


def _locale_options(major: int) -> list[str]:
    """Choose the locale that orders and folds text the same on every machine."""
    if major >= _BUILTIN_LOCALES_SINCE:
        return ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    return ["--locale-provider=libc", "--locale=C.UTF-8"]


def _run_initdb(places: Places, command: Sequence[str]) -> None:
    """Run `initdb` to its end."""
    process = launch(places, command, parent_death=signal.SIGKILL)
    try:
        status = process.wait(_INITDB_PATIENCE)
    except subprocess.TimeoutExpired:
        raise EmbeddedPostgresError(
            f"initdb was not done after {_INITDB_PATIENCE:.0f} seconds.\n{log_tail(places)}"
        ) from None
    finally:
        process.kill()
        process.wait()
    if status != 0:
        raise EmbeddedPostgresError(f"initdb ended with status {status}.\n{log_tail(places)}")


def _flush_directory(directory: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
