"""Programs that a test needs and a bare machine may lack: then it is skipped, but in CI it fails."""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

PROJECT = Path(__file__).resolve().parents[1]


def need_program(name: str, *, to: str) -> str:
    """The path of an installed program; `to` says in the infinitive what it is needed for."""
    found = shutil.which(name)
    if found is None:
        _miss(f"{name} is not installed, needed to {to}")
    return found


def need_node_package(name: str, *, to: str) -> Path:
    """The directory of a package that `npm ci` installs."""
    directory = PROJECT / "node_modules" / name
    if not directory.is_dir():
        _miss(f"the npm package {name} is not installed (`npm ci`), needed to {to}")
    return directory


def _miss(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(f"In CI nothing is skipped: {reason}")
    pytest.skip(reason)
