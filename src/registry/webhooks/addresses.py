"""Where webhooks may go: public addresses only, judged on what a name resolves to when connecting."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

_MAX_URL: Final = 2000
_PLAIN = re.compile(rf"[!-~]{{1,{_MAX_URL}}}")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})+", re.IGNORECASE)
_NUMERIC_END = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)", re.IGNORECASE)
_LOCALHOST = "localhost"
_HTTPS_PORT, _HTTP_PORT = 443, 80

_REFUSED_4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared by carriers (CGNAT)
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, and the clouds' metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
_GLOBAL_6: Final = IPv6Network("2000::/3")
"""All that is given out. Loopback, mapped, NAT64, unique-local, link-local and multicast lie outside it."""
_REFUSED_6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments: Teredo, benchmarking, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)


@dataclass(frozen=True, slots=True)
class Reach:
    """How far webhooks may go: `https` to these ports at public addresses.

    `http` also allows that scheme. `loopback`, for development, allows this machine by any port and scheme.
    """

    ports: frozenset[int] = frozenset({_HTTPS_PORT})
    http: bool = False
    loopback: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """An address taken apart, once, so that nothing reads it differently later.

    `host` is a name or a bare IP address; `authority` is it as the header `Host` has it.
    """

    scheme: str
    host: str
    port: int
    authority: str
    path: str


class RefusedUrlError(ValueError):
    """Webhooks do not go to such an address; the message says what would be right."""


def read_target(url: str, reach: Reach) -> Target:
    """Take an address apart. Raises RefusedUrlError for one that could never be allowed.

    What its name resolves to is judged when connecting.
    """
    parts = _split(url)
    host, literal = _read_host(parts)
    is_local = reach.loopback and (host == _LOCALHOST or (literal is not None and literal.is_loopback))
    if parts.scheme != "https" and not (parts.scheme == "http" and (reach.http or is_local)):
        raise RefusedUrlError("Give an address that begins with `https://`.")
    is_closed = literal is not None and not may_connect(str(literal), reach)
    if is_closed or (host == _LOCALHOST and not is_local):
        raise RefusedUrlError("Give an address on the public Internet.")
    default = _HTTPS_PORT if parts.scheme == "https" else _HTTP_PORT
    port = parts.port or default
    if port not in reach.ports and not is_local and not (reach.http and port == _HTTP_PORT):
        raise RefusedUrlError("Leave the port out: only the usual one is allowed.")
    written = f"[{host}]" if isinstance(literal, IPv6Address) else host
    return Target(
        parts.scheme,
        host,
        port,
        written if port == default else f"{written}:{port}",
        (parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
    )


def may_connect(address: str, reach: Reach) -> bool:
    """Whether webhooks may go to this IP address; never for what is none, or has a zone."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if ip.is_loopback and reach.loopback:
        return True
    if isinstance(ip, IPv4Address):
        return ip.is_global and not any(ip in network for network in _REFUSED_4)
    if ip.scope_id is not None or not ip.is_global:
        return False
    return ip in _GLOBAL_6 and not any(ip in network for network in _REFUSED_6)


def _split(url: str) -> SplitResult:
    if not _PLAIN.fullmatch(url) or "\\" in url:
        raise RefusedUrlError(f"Give an address of at most {_MAX_URL} plain ASCII characters.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise RefusedUrlError("Give a well-formed address, as `https://example.org/webhooks`.") from None
    if "@" in parts.netloc or "#" in url:
        raise RefusedUrlError("Give an address without user, password and fragment.")
    if port == 0 or parts.netloc.endswith(":"):
        raise RefusedUrlError("Leave the port out: only the usual one is allowed.")
    return parts


def _read_host(parts: SplitResult) -> tuple[str, IPv4Address | IPv6Address | None]:
    """The host in lower case, and as an IP address where it is written as one in the one canonical way."""
    host = parts.hostname or ""
    if host == _LOCALHOST:
        return host, None
    try:
        literal = ip_address(host)
    except ValueError:
        # Resolvers read `0x7f.1` and `2130706433` as addresses (WHATWG URL, "ends in a number").
        if not _NAME.fullmatch(host) or _NUMERIC_END.fullmatch(host.rpartition(".")[2]):
            raise RefusedUrlError("Give a full host name, without a dot at its end.") from None
        return host, None
    if isinstance(literal, IPv6Address) and literal.scope_id is not None:
        raise RefusedUrlError("Give an address on the public Internet.")
    return str(literal), literal
