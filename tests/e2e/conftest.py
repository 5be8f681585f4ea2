"""A registry as `make run` starts it, with the demo."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from registry_processes import Dev, free_port, running

READY = "curl -s"
"""The last line that `registry dev` writes when it serves."""


@pytest.fixture(scope="session")
def open_directory() -> Iterator[Path]:
    """A directory that PostgreSQL's account may enter, which pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="registry-dev-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture(scope="session")
async def dev(open_directory: Path) -> AsyncIterator[Dev]:
    """The demo on an embedded PostgreSQL of its own, for the rest of this worker's run."""
    port, data = free_port(), open_directory / "shared"
    async with running("dev", "--port", str(port), "--data", str(data), until=READY) as command:
        yield Dev(command, f"http://127.0.0.1:{port}")
        await command.end()
