"""The account that PostgreSQL runs as, and what that account may enter.

PostgreSQL refuses to run as root. Started by root, it runs as an account without rights of its own.
"""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from registry.embedded.errors import EmbeddedPostgresError

# `postgres` exists for exactly this. `nobody` is on every system, but other services may share it:
# it is the second choice because they could then read the data.
_UNPRIVILEGED_NAMES = ("postgres", "_postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Account:
    """A user and its primary group, as numbers."""

    uid: int
    gid: int

    def may_enter(self, directory: Path) -> bool:
        """Tell whether the permission bits let the account go down to `directory`.

        `directory` is absolute. Directories that do not exist yet do not count.
        """
        chain = (directory, *directory.parents)
        return all(self._may(path.stat(), 0o1) for path in chain if path.exists())

    def may_run(self, program: Path) -> bool:
        """Tell whether the account can reach `program`, read it and execute it."""
        return self.may_enter(program.parent) and self._may(program.stat(), 0o5)

    def may_read(self, file: Path) -> bool:
        """Tell whether the account can reach `file` and read it."""
        return self.may_enter(file.parent) and self._may(file.stat(), 0o4)

    def _may(self, status: os.stat_result, wanted: int) -> bool:
        """Compare the three bits that apply to the account with the `wanted` ones."""
        if self.uid == 0:
            return True
        shift = 6 if status.st_uid == self.uid else 3 if status.st_gid == self.gid else 0
        return (status.st_mode >> shift) & wanted == wanted


def is_root() -> bool:
    """Tell whether this process runs as root."""
    return os.geteuid() == 0


def choose_account(home: Path) -> Account:
    """Choose the account for the cluster in `home`.

    Without root's rights it is the caller. For root it is the owner of the data where there is some, so
    that an account added to the system later changes nothing; else the owner of `home` if that is
    not root; else an unprivileged account of the system. Raises `EmbeddedPostgresError` where there is
    none, or where the data belongs to root.
    """
    if not is_root():
        return Account(os.geteuid(), os.getegid())
    if owner := _owner(home / "cluster"):
        if owner.uid == 0:
            raise EmbeddedPostgresError(
                f"The data in {home / 'cluster'} belongs to root, and PostgreSQL refuses to run as root: "
                "give it to an unprivileged account (chown -R)."
            )
        return owner
    if (owner := _owner(home)) and owner.uid != 0 and _is_known(owner):
        return owner
    for name in _UNPRIVILEGED_NAMES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise EmbeddedPostgresError(
        "PostgreSQL refuses to run as root, and this system has neither an account `postgres` nor `nobody`: "
        "add one, or start as an unprivileged user."
    )


def _owner(directory: Path) -> Account | None:
    """Return who owns `directory`, or None where there is no such directory."""
    try:
        status = directory.lstat()
    except FileNotFoundError:
        return None
    return Account(status.st_uid, status.st_gid) if stat.S_ISDIR(status.st_mode) else None


def _is_known(account: Account) -> bool:
    """Tell whether the account has a name: `initdb` needs one."""
    try:
        pwd.getpwuid(account.uid)
    except KeyError:
        return False
    return True
