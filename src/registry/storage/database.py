"""Connections, sessions and transactions.

Two kinds of session keep reads from writing: a `ReadSession` runs in a read-only transaction, a
`WriteSession` is one act's transaction and is committed before the caller goes on. SQLAlchemy Core serves
everything but verification, which has asyncpg connections of its own.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy import ARRAY, CollectionAggregate, Executable, Row, Uuid, all_, any_, literal
from sqlalchemy.engine import CursorResult, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from registry.domain.errors import UnavailableError
from registry.signing.consistency import Position
from registry.storage.hot_connections import HotConnections
from registry.storage.roles import APP
from registry.storage.wakeups import Wakeups

STATEMENT_TIMEOUT_MS = 10_000

_IDENTITY = (
    "SELECT system_identifier, (SELECT timeline_id FROM pg_control_checkpoint()) FROM pg_control_system()"
)

_UNAVAILABLE = ("08", "53", "57")
"""SQLSTATE classes: connection exception, insufficient resources, operator intervention (and time-outs)."""

_PLANNED_ONCE = {"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off"}
"""Verification's statements are look-ups by index, however many at a time and however small the tables are.

Left to itself PostgreSQL plans them anew for each group of questions, which takes longer than to run them.
"""

_NO_SUCH_TABLE = "42P01"


class ReadSession:
    """A read-only transaction. Storage functions that only look take this."""

    def __init__(self, connection: AsyncConnection) -> None:
        """Wrap a connection whose transaction is read-only."""
        self._connection = connection

    async def execute(
        self,
        statement: Executable,
        parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    ) -> CursorResult[Any]:
        """Run one statement, once or for each of several parameter sets."""
        return await self._connection.execute(statement, parameters)

    async def one_or_none(self, statement: Executable) -> Row[Any] | None:
        """Run a statement that gives at most one row."""
        return (await self.execute(statement)).one_or_none()


class WriteSession(ReadSession):
    """One act's transaction. Storage functions that write take this; a ReadSession will not do.

    `has_notices` once something is in the outbox, so that a sequencer is woken after the commit.
    """

    has_notices = False


@dataclass(frozen=True)
class Database:
    """The two ways into PostgreSQL, made once by a composition root with `open_database`."""

    engine: AsyncEngine
    hot: HotConnections
    system_id: int
    timeline: int
    wakeups: Wakeups

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[WriteSession]:
        """One act: committed when the block ends, rolled back when it raises.

        Raises UnavailableError when the connection is lost, also when the answer to COMMIT is: then the
        act may have happened, and a replay with the same Idempotency-Key tells.
        """
        async with _unavailable_when_lost(), self.engine.begin() as connection:
            session = WriteSession(connection)
            yield session
        if session.has_notices:
            self.wakeups.ring()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[ReadSession]:
        """A read-only transaction: every statement in it sees one state (repeatable read)."""
        async with _unavailable_when_lost(), self.engine.connect() as connection:
            connection = await connection.execution_options(  # noqa: PLW2901  # the same connection, with options
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            async with connection.begin():
                yield ReadSession(connection)

    async def fetch_hot(self, statement: str, *arguments: object) -> list[Any]:
        """Run one statement of verification, committed when this returns, and give its rows.

        Raises UnavailableError.
        """
        async with _unavailable_when_lost():
            return await self.hot.fetch(statement, *arguments)

    async def position(self) -> Position:
        """The present end of the write-ahead log: everything committed before this call lies before it."""
        rows = await self.fetch_hot("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn AS lsn")
        return self.position_at(int(rows[0]["lsn"]))

    def position_at(self, lsn: int) -> Position:
        """A place in this database system's write-ahead log."""
        return Position(self.system_id, self.timeline, lsn)

    async def close(self) -> None:
        """Close all connections."""
        await self.wakeups.close()
        await self.engine.dispose()
        await self.hot.close()


async def open_database(url: str, *, pool_size: int = 8, hot_pool_size: int = 4, role: str = APP) -> Database:
    """Connect to PostgreSQL at a `postgresql://` address, taking `role` on every connection.

    `pool_size` bounds the connections of ordinary acts, `hot_pool_size` those of verification.
    Raises UnavailableError, which says why, when the database cannot be opened.
    """
    settings = {
        "role": role,
        "application_name": "registry",
        "statement_timeout": str(STATEMENT_TIMEOUT_MS),
        "idle_in_transaction_session_timeout": "30000",
        "timezone": "UTC",
        "jit": "off",
    }
    engine = create_async_engine(
        _sqlalchemy_url(url),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=5,
        hide_parameters=True,
        connect_args={"server_settings": settings, "timeout": 5},
        json_serializer=lambda value: orjson.dumps(value).decode(),
        json_deserializer=orjson.loads,
    )
    hot = HotConnections(
        url,
        size=hot_pool_size,
        settings=settings | _PLANNED_ONCE,
        statement_seconds=STATEMENT_TIMEOUT_MS / 1000,
    )
    try:
        (row,) = await hot.fetch(_IDENTITY)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise UnavailableError(_why_closed(error)) from error
    return Database(engine, hot, row["system_identifier"], row["timeline_id"], Wakeups(hot))


def _why_closed(error: Exception) -> str:
    if isinstance(error, asyncpg.InvalidParameterValueError):
        return f"The database was never migrated (`registry migrate`): {error}."
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return f"The database cannot be opened: {reason}."


def any_of(ids: Sequence[UUID]) -> CollectionAggregate[bool]:
    """Many ids as one parameter, to compare a column with; however many there are, the statement is one."""
    return any_(literal(list(ids), ARRAY(Uuid)))


def all_of(ids: Sequence[UUID]) -> CollectionAggregate[bool]:
    """As `any_of`, to tell a column from all of them."""
    return all_(literal(list(ids), ARRAY(Uuid)))


def migration_engine(url: str) -> AsyncEngine:
    """An engine for `registry migrate`: one connection, as the login itself."""
    return create_async_engine(_sqlalchemy_url(url), poolclass=NullPool)


def _sqlalchemy_url(url: str) -> str:
    return make_url(url).set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)


@asynccontextmanager
async def _unavailable_when_lost() -> AsyncIterator[None]:
    try:
        yield
    except (InterfaceError, OperationalError, PoolTimeoutError, OSError, asyncpg.InterfaceError) as error:
        raise UnavailableError from error
    except asyncpg.PostgresError as error:
        if str(error.sqlstate).startswith(_UNAVAILABLE):
            raise UnavailableError from error
        raise
    except DBAPIError as error:
        if error.connection_invalidated or _sqlstate(error).startswith(_UNAVAILABLE):
            raise UnavailableError from error
        if _sqlstate(error) == _NO_SUCH_TABLE:
            raise UnavailableError("The database has not been migrated as far as this code needs.") from error
        raise


def _sqlstate(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", None) or "")
