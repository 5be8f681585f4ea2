"""One HTTP/1.1 connection of the sender: a request at a time, and of its answer no more than is wanted.

It exists since a general client takes ten times the processor for one small request (ADR 0017).
"""

import asyncio
from dataclasses import dataclass, field
from typing import Final

import httptools

KEPT_BYTES: Final = 8192
"""How much of an answer's body is read; the rest is never asked for."""

_MAX_HEAD_BYTES: Final = 32_768
_MAX_BYTES: Final = 131_072
"""Of a whole answer: its body may come in the smallest chunks, but nothing beside it without end."""

_INFORMATIONAL: Final = range(100, 200)
_SWITCHING: Final = 101


class BrokenAnswerError(Exception):
    """The connection was lost, or spoke something else than HTTP, before there was a status."""


@dataclass(slots=True)
class Received:
    """What has come of an answer; `status` is None until its head is whole. Names are in lower case."""

    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)


class Connection(asyncio.Protocol):
    """A connection. `is_open`: another request can be made on it. `is_silent`: nothing came for this one."""

    def __init__(self) -> None:
        self.is_open = False
        self.is_silent = True
        self.idle_since = 0.0
        self.received = Received()
        self._waiting: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._bytes = 0

    async def ask(self, request: bytes) -> None:
        """Send a request; when this returns `received` has its answer. Raises BrokenAnswerError.

        Whoever stops waiting has to `abort`.
        """
        if self._transport is None or not self.is_open:
            raise BrokenAnswerError
        self.received, self.is_silent, self._bytes = Received(), True, 0
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        await self._waiting

    def abort(self) -> None:
        """Close at once, whatever is under way."""
        self.is_open = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # of a stream
        """Be open."""
        self._transport = transport
        self.is_open = True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # as asyncio's
        """End the answer: one that has its status may end so."""
        self.is_open = False
        self._finish(broken=self.received.status is None)

    def data_received(self, data: bytes) -> None:
        """Read on, within the bounds."""
        if self._waiting is None:
            self.abort()  # nobody asked
            return
        self.is_silent = False
        self._bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._end(broken=False)
        except httptools.HttpParserError:
            self._end(broken=self.received.status is None)
        else:
            is_head = self.received.status is None
            if self._bytes > (_MAX_HEAD_BYTES if is_head else _MAX_BYTES):
                self._end(broken=is_head)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header's field; a trailer decides nothing."""
        if self.received.status is None:
            self.received.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Take the status, unless the real one is still to come (RFC 9110, 15.2)."""
        status = self._parser.get_status_code()
        if status not in _INFORMATIONAL or status == _SWITCHING:
            self.received.status = status

    def on_body(self, body: bytes) -> None:
        """Keep the beginning."""
        self.received.body += body[: KEPT_BYTES - len(self.received.body)]
        if len(self.received.body) >= KEPT_BYTES:
            self._end(broken=False)

    def on_message_complete(self) -> None:
        """End the answer, or forget what was informational."""
        if self.received.status is None:
            self.received.headers.clear()
        elif self._parser.should_keep_alive():
            self._finish(broken=False)
        else:
            self._end(broken=False)

    def _end(self, *, broken: bool) -> None:
        self.abort()
        self._finish(broken=broken)

    def _finish(self, *, broken: bool) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is None or waiting.done():
            return
        if broken:
            waiting.set_exception(BrokenAnswerError())
        else:
            waiting.set_result(None)
