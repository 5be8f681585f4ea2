"""A way to PostgreSQL that loses the answer to a COMMIT: it is done, and who asked never hears of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

# Simple query COMMIT, and the server's CommandComplete for it (PostgreSQL protocol 3.0, message formats).
_ASKED, _DONE = b"COMMIT;", b"C\x00\x00\x00\x0bCOMMIT\x00"


@dataclass
class LosingProxy:
    """Passes everything on; cuts the line when the server says that it has committed a write.

    A write is a transaction with a statement that begins with `losing`, prepared in it for the first time.
    """

    upstream: str
    losing: bytes | None = None
    lost: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @asynccontextmanager
    async def serve(self, directory: Path) -> AsyncIterator[str]:
        """Listen; gives the address to connect to instead of `upstream`."""
        server = await asyncio.start_unix_server(self._accept, directory / ".s.PGSQL.5432")
        try:
            parts = urlsplit(self.upstream)
            place = urlencode({"host": str(directory), "port": "5432"})
            login = parts.netloc.rpartition("@")[0]
            yield urlunsplit(parts._replace(netloc=f"{login}@" if login else "", query=place))
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        theirs, to_server = await self._connect()
        writes: list[bytes] = []
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._ask(reader, to_server, writes))
                group.create_task(self._answer(theirs, writer, writes))
        except* (ConnectionError, EOFError):
            pass
        finally:
            writer.transport.abort()
            to_server.transport.abort()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        parts = urlsplit(self.upstream)
        place = {name: values[0] for name, values in parse_qs(parts.query).items()}
        host, port = place.get("host", parts.hostname or "127.0.0.1"), place.get("port", parts.port or 5432)
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, int(port))

    async def _ask(
        self, reader: asyncio.StreamReader, to_server: asyncio.StreamWriter, writes: list[bytes]
    ) -> None:
        while data := await reader.read(65536):
            writes += [mark for mark in (self.losing, _ASKED) if mark is not None and mark in data]
            to_server.write(data)
            await to_server.drain()
        raise EOFError

    async def _answer(
        self, theirs: asyncio.StreamReader, writer: asyncio.StreamWriter, writes: list[bytes]
    ) -> None:
        while data := await theirs.read(65536):
            if writes[-2:] == [self.losing, _ASKED] and _DONE in data:
                self.lost += 1
                raise EOFError
            writer.write(data)
            with suppress(ConnectionError):
                await writer.drain()
        raise EOFError
