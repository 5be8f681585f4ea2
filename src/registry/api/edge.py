"""The outermost layer, in plain ASGI: request ids, size limits, metrics, request log, the hot path.

Nothing personal is logged: no query, no body, no error text, only where it was raised.
"""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils import uuid7

from registry.api.hot_path import HOT_PATHS
from registry.api.observing import RequestLog, log_failure, log_unavailable, observe
from registry.api.personal_numbers import names_person
from registry.api.problems import BodyTooLargeError, InternalError, problem_of, problem_response
from registry.domain.errors import RegistryError

_JSON = (b"content-type", b"application/json")
_MOST_DIGITS = 18
_TRACE_BYTES, _SPAN_BYTES = 16, 8
_trace_ids = Random()  # noqa: S311  # they name a trace and keep no secret
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")
_TRACEPARENT = re.compile(rb"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


def _problem(error: RegistryError, path: str, request_id: str) -> Response:
    return problem_response(problem_of(error), path=path, request_id=request_id)


@dataclass(frozen=True, slots=True)
class Surface:
    """Another system's wire format, served beside the API: its addresses, its application, its errors.

    `refuse` writes the answer to an error, given the request's path and id.
    """

    prefixes: tuple[str, ...]
    app: ASGIApp
    refuse: Callable[[RegistryError, str, str], Response]


class Edge:
    """Wraps the application. `runtime` is taken from the application's state once it has started."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        state: Any,  # noqa: ANN401  # Starlette's State
        max_body_bytes: int,
        request_log: bool,
        surfaces: Sequence[Surface] = (),
    ) -> None:
        """`state` is the application's, `max_body_bytes` the largest body that is read."""
        self._surfaces = surfaces
        self._app = app
        self._state = state
        self._max_body_bytes = max_body_bytes
        self._request_log = RequestLog(is_on=request_log)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, whatever happens inside."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        surface = self._surface_at(scope["path"])
        refuse = _problem if surface is None else surface.refuse
        exchange = _Exchange(scope, receive, send, self._max_body_bytes, refuse)
        try:
            if not exchange.declares_too_much():
                await self._answer(scope, exchange, self._app if surface is None else surface.app)
            else:
                await exchange.refuse(BodyTooLargeError(exchange.limit))
        except Exception as error:  # noqa: BLE001  # the last place to answer, without telling a stranger anything
            log_failure(error, exchange.request_id)
            if not exchange.status:
                await exchange.refuse(InternalError())
        finally:
            self._record(scope, exchange)

    def _surface_at(self, path: str) -> Surface | None:
        place = f"{path}/"  # a surface's own address is one of its own, with a slash at the end or without
        for surface in self._surfaces:
            if place.startswith(surface.prefixes):
                return surface
        return None

    async def _answer(self, scope: Scope, exchange: "_Exchange", app: ASGIApp) -> None:
        hot = HOT_PATHS.get((scope["method"], scope["path"]))
        if hot is None:
            await app(scope, exchange.receive, exchange.send)
            return
        scope["hot_path"] = True
        try:
            body = await hot(self._state.runtime, scope, exchange.given, exchange.receive)
        except RegistryError as error:
            await exchange.refuse(error)
        else:
            await exchange.send_json(body)

    def _record(self, scope: Scope, exchange: "_Exchange") -> None:
        route = (
            scope["path"] if "hot_path" in scope else getattr(scope.get("route"), "path_format", "unknown")
        )
        seconds = time.perf_counter() - exchange.started
        method = observe(scope["method"], route, exchange.status, seconds)
        self._request_log.write(method, route, exchange.status, seconds, exchange.request_id)


class _Exchange:
    """One request and its answer: counts what is received, adds headers to what is sent."""

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        max_body_bytes: int,
        refuse: Callable[[RegistryError, str, str], Response],
    ) -> None:
        self._refuse = refuse
        self.started = time.perf_counter()
        self.status = 0
        self._scope, self._receive, self._send = scope, receive, send
        self._left = max_body_bytes
        self.limit = f"Send at most {max_body_bytes} bytes."
        self.given: dict[bytes, bytes] = dict(reversed(scope["headers"]))  # of a repeated one, the first
        given = self.given.get(b"x-request-id", b"")
        is_given = given and _REQUEST_ID.fullmatch(given) and not names_person(given.decode())
        self.request_id = given.decode() if is_given else str(uuid7())
        self._declared = self.given.get(b"content-length", b"0")
        scope["request_id"] = self.request_id
        self._headers = [
            (b"x-request-id", self.request_id.encode()),
            (b"traceparent", _traceparent(self.given.get(b"traceparent", b""))),
            (b"x-content-type-options", b"nosniff"),
        ]

    def declares_too_much(self) -> bool:
        """Whether Content-Length says more than is read."""
        digits = self._declared.lstrip(b"0")
        return digits.isdigit() and (len(digits) > _MOST_DIGITS or int(digits) > self._left)

    async def receive(self) -> Message:
        """Receive, counting. Raises HTTPException 413 past the limit."""
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise HTTPException(413, self.limit)
        return message

    async def send(self, message: Message) -> None:
        """Send, with the headers that every answer has."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", []), *self._headers]
        await self._send(message)

    async def send_json(self, body: bytes) -> None:
        """Answer 200 with this JSON."""
        self.status = 200
        headers = [_JSON, (b"content-length", b"%d" % len(body)), *self._headers]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})

    async def refuse(self, error: RegistryError) -> None:
        """Answer with a problem instead of what was asked."""
        log_unavailable(error, self.request_id)
        response = self._refuse(error, self._scope["path"], self.request_id)
        await response(self._scope, self._receive, self.send)


def _traceparent(given: bytes) -> bytes:
    """Go on with the caller's trace under a span of our own (W3C Trace Context), or begin one."""
    fresh = _trace_ids.randbytes(_TRACE_BYTES + _SPAN_BYTES).hex().encode()
    match = _TRACEPARENT.fullmatch(given) if given else None
    trace, flags = (match[1], match[3]) if match else (fresh[: 2 * _TRACE_BYTES], b"00")
    return b"00-" + trace + b"-" + fresh[-2 * _SPAN_BYTES :] + b"-" + flags
