"""Sending: one request, one answer, within the time. Redirects are not followed and proxies not asked.

Every name is resolved here, all of its addresses are judged, and the connection goes to one that was; TLS
and the header `Host` still go by the name.
"""

import asyncio
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

from registry.webhooks.addresses import Reach, RefusedUrlError, Target, read_target
from registry.webhooks.connection import BrokenAnswerError, Connection, Received
from registry.webhooks.resolving import AddressRefusedError, NameResolver, Resolve, find_addresses

TIMEOUT_SECONDS: Final = 15.0

_CONNECT_SECONDS: Final = 5.0
_IDLE_SECONDS: Final = 4.0  # less than what servers usually keep a connection
_MAX_IDLE: Final = 8


class Failure(StrEnum):
    """Why no answer came. Stable, and too coarse to map somebody's network with."""

    ADDRESS_REFUSED = "address_refused"
    UNREACHABLE = "unreachable"
    TLS_FAILED = "tls_failed"
    TIMED_OUT = "timed_out"
    BROKEN_ANSWER = "broken_answer"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request to send. Its headers are the caller's: plain ASCII without line breaks."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `status` None: nothing did, and `failure` says why.

    `headers` have names in lower case. `body` is the beginning of the answer's, at most 8 KiB.
    """

    status: int | None
    failure: Failure | None
    duration_ms: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Sender(Protocol):
    """Takes a message to where it belongs; a broker may take the place of HTTP."""

    async def send(self, outgoing: Outgoing) -> Answer:
        """Send one request; give its answer within the sender's time. Never raises: failures are answers."""
        ...


class HttpSender:
    """The sender over HTTP/1.1. `seconds` bound a request from the resolution of its name to its answer.

    How many requests run at a time is the caller's to bound. Close it in the end.
    """

    def __init__(
        self,
        reach: Reach,
        *,
        resolve: Resolve | None = None,
        seconds: float = TIMEOUT_SECONDS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._reach, self._seconds = reach, seconds
        self._names = NameResolver()
        self._resolve = resolve or self._names
        self._tls = tls
        self._idle: dict[tuple[str, str, int], list[Connection]] = {}
        self._sweep: asyncio.TimerHandle | None = None

    async def send(self, outgoing: Outgoing) -> Answer:
        """Send one request. The status decides, also where the body then does not come in time."""
        started = time.monotonic()
        received, failure = Received(), None
        try:
            target = read_target(outgoing.url, self._reach)
            async with asyncio.timeout(self._seconds):
                await self._exchange(target, _request(target, outgoing), received)
        except (RefusedUrlError, AddressRefusedError):
            failure = Failure.ADDRESS_REFUSED
        except TimeoutError:
            failure = Failure.TIMED_OUT
        except ssl.SSLError:
            failure = Failure.TLS_FAILED
        except (OSError, UnicodeError):
            failure = Failure.UNREACHABLE
        except BrokenAnswerError:
            failure = Failure.BROKEN_ANSWER
        if received.status is not None:
            failure = None
        duration = round((time.monotonic() - started) * 1000)
        return Answer(received.status, failure, duration, received.headers, bytes(received.body))

    async def close(self) -> None:
        """Close the connections that are idle, once no request is under way."""
        self._names.close()
        if self._sweep is not None:
            self._sweep.cancel()
        for connections in self._idle.values():
            for connection in connections:
                connection.abort()
        self._idle.clear()

    async def _exchange(self, target: Target, request: bytes, received: Received) -> None:
        """Ask on a kept connection, else on a new one; what comes is in `received` also when this raises."""
        kept = self._take_idle(target)
        connection = kept or await self._connect(target)
        try:
            await _ask(connection, request, received)
        except BrokenAnswerError:
            # The other side may have closed a kept connection just now. Receivers know repetitions.
            if kept is None or not kept.is_silent:
                raise
            connection = await self._connect(target)
            await _ask(connection, request, received)
        self._keep(target, connection)

    async def _connect(self, target: Target) -> Connection:
        addresses = await find_addresses(self._resolve, self._reach, target.host, target.port)
        tls, name = (self._context(), target.host) if target.scheme == "https" else (None, None)
        failed: Exception = AddressRefusedError()
        loop = asyncio.get_running_loop()
        for address in addresses:
            try:
                async with asyncio.timeout(_CONNECT_SECONDS):
                    _, connection = await loop.create_connection(
                        Connection, address, target.port, ssl=tls, server_hostname=name
                    )
            except OSError as error:  # a time-out is one
                failed = error
            else:
                return connection
        raise failed

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls

    def _take_idle(self, target: Target) -> Connection | None:
        connections = self._idle.get(_origin(target), [])
        while connections:
            connection = connections.pop()
            if connection.is_open:
                return connection
        return None

    def _keep(self, target: Target, connection: Connection) -> None:
        connections = self._idle.setdefault(_origin(target), [])
        if not connection.is_open or len(connections) >= _MAX_IDLE:
            connection.abort()
            return
        connection.idle_since = asyncio.get_running_loop().time()
        connections.append(connection)
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(_IDLE_SECONDS, self._close_idle)

    def _close_idle(self) -> None:
        """Close connections that nobody has taken for a while; look again while there are others."""
        loop = asyncio.get_running_loop()
        for origin, connections in list(self._idle.items()):
            old = [item for item in connections if loop.time() - item.idle_since >= _IDLE_SECONDS]
            for connection in old:
                connections.remove(connection)
                connection.abort()
            if not connections:
                del self._idle[origin]
        self._sweep = loop.call_later(_IDLE_SECONDS, self._close_idle) if self._idle else None


async def _ask(connection: Connection, request: bytes, received: Received) -> None:
    try:
        await connection.ask(request)
    except BaseException:
        connection.abort()
        raise
    finally:
        received.status = connection.received.status
        received.headers = connection.received.headers
        received.body = connection.received.body


def _origin(target: Target) -> tuple[str, str, int]:
    return target.scheme, target.host, target.port


def _request(target: Target, outgoing: Outgoing) -> bytes:
    headers = {
        "Host": target.authority,
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        **outgoing.headers,
        "Content-Length": str(len(outgoing.body)),
    }
    lines = [f"{outgoing.method} {target.path} HTTP/1.1", *(f"{name}: {headers[name]}" for name in headers)]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + outgoing.body
