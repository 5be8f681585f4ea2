"""What is observed of every request: metrics, and one log line without query, body or error text.

On the path of every verification, so counts are kept in plain numbers until the metrics are asked for, and
the line is written by hand, in the shape of the other lines: a fifth of the time of either library.
"""

import sys
import traceback
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import accumulate

import orjson
import structlog
from prometheus_client import REGISTRY
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from registry.domain.errors import UnavailableError

_LINE = orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_BOUND_NAMES = (*map(str, _BOUNDS), "+Inf")


class RequestLog:
    """Writes a JSON line per request to standard error, where it is on."""

    def __init__(self, *, is_on: bool) -> None:
        """Take the stream once."""
        self._stream = sys.stderr.buffer if is_on else None

    def write(self, method: str, route: str, status: int, seconds: float, request_id: str) -> None:
        """Write the line."""
        if self._stream is None:
            return
        line = {
            "logger": "registry.request",
            "level": "info",
            "event": "request",
            "method": method,
            "route": route,
            "status": status,
            "ms": round(seconds * 1000, 2),
            "request_id": request_id,
            "timestamp": datetime.now(UTC),
        }
        self._stream.write(orjson.dumps(line, option=_LINE))
        self._stream.flush()


class RequestMetrics(Collector):
    """Counts the requests of this process and how long they took, by method, route and status."""

    def __init__(self) -> None:
        """Nothing is counted yet."""
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._buckets: dict[str, list[int]] = {}

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request; `route` is the path as the contract writes it."""
        self._requests[method, route, status] += 1
        self._seconds[route] += seconds
        buckets = self._buckets.get(route)
        if buckets is None:
            buckets = self._buckets[route] = [0] * len(_BOUND_NAMES)
        buckets[bisect_left(_BOUNDS, seconds)] += 1

    def collect(self) -> Iterable[Metric]:
        """Show what was counted."""
        requests = CounterMetricFamily(
            "registry_requests", "Requests answered", labels=["method", "route", "status"]
        )
        for (method, route, status), number in self._requests.items():
            requests.add_metric([method, route, str(status)], number)
        times = HistogramMetricFamily("registry_request_seconds", "Time to answer", labels=["route"])
        for route, buckets in self._buckets.items():
            counts = zip(_BOUND_NAMES, accumulate(buckets), strict=True)
            times.add_metric([route], [(name, count) for name, count in counts], self._seconds[route])
        yield requests
        yield times


_metrics = RequestMetrics()
REGISTRY.register(_metrics)


def observe(method: str, route: str, status: int, seconds: float) -> str:
    """Count a request; returns its method as it may be shown."""
    shown = method if method in _METHODS else "other"
    _metrics.observe(shown, route, status, seconds)
    return shown


def log_failure(error: BaseException, request_id: str) -> None:
    """Log which exception was raised where: its text may name a person."""
    structlog.get_logger("registry.failure").error(
        "failure", kind=type(error).__name__, where=_frames(error), request_id=request_id
    )


def log_unavailable(error: Exception, request_id: str) -> None:
    """Log what made an answer impossible just now, for the operator: the caller is not told."""
    if isinstance(error, UnavailableError):
        cause = error.__cause__ or error
        structlog.get_logger("registry.failure").warning(
            "unavailable", kind=type(cause).__name__, where=_frames(cause), request_id=request_id
        )


def _frames(error: BaseException) -> list[str]:
    return [
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)[-8:]
    ]
