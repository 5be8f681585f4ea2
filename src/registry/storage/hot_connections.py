"""The connections of verification: leased by hand, because a pool's own care costs more than a look-up."""

import asyncio
from collections.abc import Mapping
from typing import Any

import asyncpg

_CONNECT_SECONDS = 5


class HotConnections:
    """Up to `size` asyncpg connections for single statements without session state.

    One that was lost is replaced when it would be used next. Measured: a lease costs some 5 us where
    asyncpg's pool takes 90 (`benchmarks/results/verification.md` has the whole).
    """

    def __init__(self, url: str, *, size: int, settings: Mapping[str, str], statement_seconds: float) -> None:
        """Nothing is connected yet. A statement that takes longer than `statement_seconds` is given up."""
        self._url, self._settings, self._statement_seconds = url, dict(settings), statement_seconds
        self._free = asyncio.Semaphore(size)
        self._idle: list[asyncpg.Connection[asyncpg.Record]] = []
        self._is_closed = False

    async def fetch(self, statement: str, *arguments: object) -> list[Any]:
        """Run a statement, committed when this returns, and give its rows.

        Raises asyncpg's errors, and OSError where there is no connection in time.
        """
        async with self._free:
            connection = await self._take()
            try:
                rows: list[Any] = await connection.fetch(statement, *arguments)
            finally:
                await self._give_back(connection)
            return rows

    async def close(self) -> None:
        """Close what is idle now, and the others when they are given back."""
        self._is_closed = True
        while self._idle:
            await self._idle.pop().close(timeout=_CONNECT_SECONDS)

    async def _take(self) -> "asyncpg.Connection[asyncpg.Record]":
        if self._is_closed:
            raise asyncpg.InterfaceError("the connections of verification are closed")
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return await self.connect()

    async def connect(self) -> "asyncpg.Connection[asyncpg.Record]":
        """A connection of the caller's own, beside the pool, which it closes itself. Raises as `fetch`."""
        return await asyncpg.connect(
            self._url,
            timeout=_CONNECT_SECONDS,
            command_timeout=self._statement_seconds,
            server_settings=self._settings,
        )

    async def _give_back(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        if self._is_closed:
            await connection.close(timeout=_CONNECT_SECONDS)
        elif not connection.is_closed():
            self._idle.append(connection)
