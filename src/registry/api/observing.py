"""What is observed of every request: metrics, and one log line without query, body or error text.

On the path of every verification, so the metrics' children are kept, and the line is written by structlog's
shortest way.
"""

import sys
from functools import lru_cache

import orjson
import structlog
from prometheus_client import Counter, Histogram

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_requests = Counter("registry_requests_total", "Requests answered", ["method", "route", "status"])
_seconds = Histogram(
    "registry_request_seconds",
    "Time to answer",
    ["route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)


class RequestLog:
    """Writes a JSON line per request to standard error, where it is on."""

    def __init__(self, *, is_on: bool) -> None:
        """Make the logger once."""
        self._logger = (
            structlog.wrap_logger(
                structlog.BytesLogger(sys.stderr.buffer),
                processors=[
                    structlog.processors.TimeStamper(fmt="iso", utc=True),
                    structlog.processors.JSONRenderer(serializer=_serialize),
                ],
                wrapper_class=structlog.BoundLoggerBase,
            ).bind(logger="registry.request", level="info")
            if is_on
            else None
        )

    def write(self, method: str, route: str, status: int, seconds: float, request_id: str) -> None:
        """Write the line."""
        if self._logger is not None:
            self._logger._proxy_to_logger(  # noqa: SLF001  # structlog's documented way for bound loggers
                "info",
                "request",
                method=method,
                route=route,
                status=status,
                ms=round(seconds * 1000, 2),
                request_id=request_id,
            )


def observe(method: str, route: str, status: int, seconds: float) -> str:
    """Count a request; returns its method as it may be shown."""
    shown = method if method in _METHODS else "other"
    _count(shown, route, status).inc()
    _time(route).observe(seconds)
    return shown


@lru_cache(maxsize=1024)
def _count(method: str, route: str, status: int) -> Counter:
    return _requests.labels(method, route, status)


@lru_cache(maxsize=256)
def _time(route: str) -> Histogram:
    return _seconds.labels(route)


def _serialize(document: object, **_options: object) -> bytes:
    return orjson.dumps(document)
