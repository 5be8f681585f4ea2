"""Homes for embedded clusters."""

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded_servers import QUICK, has_processes, wait_until
from registry.embedded import EmbeddedPostgres


@pytest.fixture
def empty_home() -> Iterator[Path]:
    """A directory that others can be let into: unlike `tmp_path`, it does not lie below a closed one."""
    with tempfile.TemporaryDirectory(prefix="embedded-") as directory:
        yield Path(directory).resolve()


@pytest.fixture(scope="session")
def _common_home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="embedded-") as directory:
        home = Path(directory).resolve()
        with EmbeddedPostgres(home, settings=QUICK):
            pass
        yield home


@pytest.fixture
def home(_common_home: Path) -> Iterator[Path]:
    """The home of a cluster that is stopped, for tests that leave it as good as it was."""
    assert not has_processes(_common_home)
    yield _common_home
    wait_until(lambda: not has_processes(_common_home))


@pytest.fixture
def own_home(home: Path, empty_home: Path) -> Path:
    """The home of a cluster that is stopped, for a test that changes it: a copy, quicker than `initdb`."""
    subprocess.run(["cp", "-a", f"{home}/.", str(empty_home)], check=True)  # noqa: S603, S607 - POSIX cp
    return empty_home
