"""A registry as `make run` starts it, and what a served one needs."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from conftest import CloneDatabase
from registry.signing.keys import KeyRing, save_key_ring
from registry_processes import Dev, running_dev


@pytest.fixture(scope="session")
def open_directory() -> Iterator[Path]:
    """A directory that PostgreSQL's account may enter, which pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="registry-dev-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture(scope="session")
async def dev(open_directory: Path) -> AsyncIterator[Dev]:
    """The demo on an embedded PostgreSQL of its own, for the rest of this worker's run."""
    async with running_dev(open_directory / "shared") as dev:
        yield dev
        await dev.command.end()


@pytest.fixture(scope="module")
async def installation(
    clone_database: CloneDatabase, keys: KeyRing, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """The settings of an installation of the module's own: a migrated database, a key file."""
    keys_file = tmp_path_factory.mktemp("installation") / "keys.json"
    save_key_ring(keys_file, keys)
    return {
        "REGISTRY_DATABASE_URL": await clone_database(),
        "REGISTRY_KEYS_FILE": str(keys_file),
        "REGISTRY_KEYS_CHECK_SECONDS": "0.05",
    }
