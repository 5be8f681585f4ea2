"""A database to migrate."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from conftest import on_database, run_sql


@pytest.fixture
async def fresh_database(server_url: str) -> AsyncIterator[str]:
    """The address of a database with nothing in it."""
    name = f"registry_{uuid4().hex[:12]}"
    await run_sql(server_url, f"CREATE DATABASE {name}")
    yield on_database(server_url, name)
    await run_sql(server_url, f"DROP DATABASE {name} WITH (FORCE)")
