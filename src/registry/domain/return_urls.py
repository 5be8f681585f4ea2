"""Where a signer may be sent back to: addresses that a client registered beforehand, and nowhere else."""

import re
from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

_PLAIN = re.compile(r"[!-~]{1,2000}")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_ENCODED = re.compile(r"%(2e|2f|5c)", re.IGNORECASE)


def is_return_address(url: str) -> bool:
    """Whether this may stand in an allow-list: `https`, or `http` on this machine alone, and a plain path.

    Nothing that readers of addresses read differently: no credentials, fragment, backslash, dot segments.
    An address in the list has no query.
    """
    parts = _split(url)
    return parts is not None and not parts.query and "?" not in url


def may_return_to(url: str, allowed: Iterable[str]) -> bool:
    """Whether `url` has the origin of an allowed address and a path at or below its path; any query."""
    parts = _split(url)
    return parts is not None and any(_covers(urlsplit(item), parts) for item in allowed)


def _split(url: str) -> SplitResult | None:
    if not _PLAIN.fullmatch(url) or "\\" in url or "#" in url:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if not is_safe or not parts.hostname or "@" in parts.netloc or port == 0:
        return None
    segments = parts.path.split("/")
    return None if _ENCODED.search(parts.path) or not {".", ".."}.isdisjoint(segments) else parts


def _covers(allowed: SplitResult, asked: SplitResult) -> bool:
    prefix = allowed.path.rstrip("/")
    return _origin(allowed) == _origin(asked) and (
        (asked.path or "/") == (allowed.path or "/") or asked.path.startswith(f"{prefix}/")
    )


def _origin(parts: SplitResult) -> tuple[str, str | None, int]:
    return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
