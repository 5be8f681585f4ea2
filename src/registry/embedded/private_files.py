"""Files and directories that nobody else may read, or put something in the place of."""

import fcntl
import os
import stat
from pathlib import Path

from registry.embedded.accounts import Account, is_root


def make_trusted_directory(directory: Path) -> bool:
    """Make `directory` unless it exists; tell whether nobody but this user can change what lies in it."""
    try:
        directory.mkdir(mode=0o711 if is_root() else 0o700, exist_ok=True)
        status = directory.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o022


def make_private_directory(directory: Path, account: Account) -> None:
    """Make `directory`, which must not exist, for the account alone (0700)."""
    directory.mkdir(mode=0o700)
    if is_root():
        os.chown(directory, account.uid, account.gid)


def open_private(path: Path) -> int:
    """Open a file to read and append, making it for the home's owner alone (0600); return its descriptor."""
    try:
        return os.open(path, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW)
    except FileNotFoundError:
        pass
    try:
        return _make_private(path)
    except FileExistsError:
        return os.open(path, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW)


def write_private(path: Path, text: str, *, is_durable: bool = False) -> None:
    """Write a file for its directory's owner alone, whole or not at all.

    `is_durable` flushes its content to disk; its name is durable once the directory is flushed.
    """
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(_make_private(unfinished), "w", encoding="utf-8") as file:
        file.write(text)
        if is_durable:
            file.flush()
            os.fsync(file.fileno())
    unfinished.replace(path)


def _make_private(path: Path) -> int:
    """Make a file that does not exist, for the owner of its directory alone; return its descriptor."""
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
    if is_root():
        directory = path.parent.stat()
        os.fchown(descriptor, directory.st_uid, directory.st_gid)
    return descriptor


def lock(path: Path) -> int | None:
    """Lock a file for as long as the returned descriptor or a copy of it is open; None if it is locked."""
    descriptor = open_private(path)
    if is_lockable(descriptor):
        return descriptor
    os.close(descriptor)
    return None


def is_lockable(descriptor: int) -> bool:
    """Lock an open file, unless it is locked."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
