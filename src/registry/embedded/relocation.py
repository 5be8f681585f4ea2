"""Another place for data that cannot lie where they were asked for.

Started by root, the server runs as an account that cannot enter a directory below, say, root's home. The
place is named after the path that was asked for, so that the next run finds its data. Both say where the
other is: the file `location` in the directory that was asked for, and the file `origin` beside the data.
"""

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from registry.embedded.accounts import choose_account
from registry.embedded.errors import EmbeddedPostgresError
from registry.embedded.private_files import lock, make_trusted_directory, write_private

NAME = "mandate-registry"


def relocate(wanted: Path) -> Path:
    """Choose the home of a cluster that cannot lie at `wanted`, and make what is above it.

    It lies below /var/lib or /var/tmp; or below the temporary directory, if `wanted` does. There, homes whose
    `wanted` has been deleted are deleted too. Raises `EmbeddedPostgresError` where no place will do.
    """
    name = f"{re.sub(r'[^A-Za-z0-9-]', '', wanted.name)[:20]}-{digest(wanted)}"
    homes = [base / NAME / name for base in _bases(wanted)]
    for home in sorted(homes, key=lambda home: not home.exists()):
        if choose_account(home).may_enter(home.parent) and make_trusted_directory(home.parent):
            if _is_temporary(home):
                _sweep(home.parent)
            return home
    raise EmbeddedPostgresError(
        f"PostgreSQL cannot run as root, and no unprivileged account can enter {wanted.parent}: "
        "choose a data directory that others can reach, such as one below /var/lib."
    )


def note(wanted: Path, home: Path) -> None:
    """Let each of the two places say where the other is, unless nothing can be written at `wanted`."""
    with suppress(OSError):
        wanted.mkdir(parents=True, exist_ok=True)
        write_private(wanted / "location", f"{home}\n")
        # Last, and only then: a home without it is never swept away.
        write_private(home / "origin", f"{wanted}\n")


def digest(path: Path) -> str:
    """Shorten a path to 16 hexadecimal digits."""
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]


def _bases(wanted: Path) -> Iterator[Path]:
    """Name the directories to relocate to: as lasting as the one that was asked for."""
    lasting = [Path("/var/lib"), Path("/var/tmp")]  # noqa: S108 - only a directory of root's own below it is used
    for base in [_temporary(), *lasting] if _is_temporary(wanted) else lasting:
        if base.is_dir():
            yield base.resolve()


def _temporary() -> Path:
    """Return the system's temporary directory."""
    return Path(tempfile.gettempdir()).resolve()


def _is_temporary(path: Path) -> bool:
    """Tell whether nobody expects `path` to last."""
    return path.is_relative_to(_temporary())


def _sweep(homes: Path) -> None:
    """Delete the homes below `homes` that nobody uses and whose `wanted` is gone."""
    for origin in homes.glob("*/origin"):
        # A home that another process deletes at the same time, or that cannot be deleted, is none of ours.
        with suppress(OSError):
            held = lock(origin.parent / "owner.lock")
            if held is None:
                continue
            try:
                if not Path(origin.read_text(encoding="utf-8").rstrip("\n")).exists():
                    shutil.rmtree(origin.parent)
            finally:
                os.close(held)
