"""Addresses that would make the registry reach into somebody's network: none is connected to."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from registry.webhooks.addresses import Reach, RefusedUrlError, may_connect, read_target
from registry.webhooks.sender import Failure, HttpSender, Outgoing

HERE = Path(__file__).parent
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
PUBLIC = Reach(http=True, ports=frozenset({443, 80, 8080}))
OPEN = ["93.184.215.14", "8.8.8.8", "192.0.1.1", "100.63.255.255", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"]

REFUSED_ADDRESSES = (HERE / "hostile_addresses.txt").read_text().split()

REFUSED_SPELLINGS = (HERE / "hostile_urls.txt").read_text().split()


@dataclass
class Listener:
    """A server on this machine, and how many connections reached it."""

    port: int = 0
    reached: int = 0

    @property
    def reach(self) -> Reach:
        """Its port is allowed, so that its address alone keeps it away."""
        return Reach(http=True, ports=frozenset({self.port}))


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    listener = Listener()

    async def count(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        listener.reached += 1
        writer.write(OK + b"Connection: close\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(count, "127.0.0.1", 0)
    listener.port = server.sockets[0].getsockname()[1]
    yield listener
    server.close()


@pytest.mark.parametrize("address", REFUSED_ADDRESSES)
def test_addresses_that_are_not_public_are_refused(address: str) -> None:
    assert not may_connect(address, PUBLIC)


@pytest.mark.parametrize("address", OPEN)
def test_public_addresses_are_allowed(address: str) -> None:
    assert may_connect(address, PUBLIC)


def test_loopback_is_open_to_development_alone() -> None:
    reach = Reach(loopback=True)
    assert may_connect("127.0.0.1", reach)
    assert may_connect("::1", reach)
    assert not may_connect("10.0.0.1", reach)
    assert read_target("http://127.0.0.1:9000/hook", reach).authority == "127.0.0.1:9000"
    assert read_target("http://localhost:9000/hook", reach).port == 9000
    with pytest.raises(RefusedUrlError):
        read_target("http://example.org/", reach)


@pytest.mark.parametrize(
    "url", [*REFUSED_SPELLINGS, "http://example.org/a\tb", "http://example.org/\r\nX: 1", "", " "]
)
def test_spellings_that_are_read_differently_are_refused(url: str) -> None:
    with pytest.raises(RefusedUrlError):
        read_target(url, Reach(http=True))


@pytest.mark.parametrize(
    ("url", "authority", "path"),
    [
        ("https://cases.example.org/webhooks?tenant=1", "cases.example.org", "/webhooks?tenant=1"),
        ("https://CASES.example.org:443", "cases.example.org", "/"),
        ("https://8.8.8.8/x", "8.8.8.8", "/x"),
        ("https://[2606:2800:21f:cb07::1]/x", "[2606:2800:21f:cb07::1]", "/x"),
        ("https://xn--exmple-cua.org/", "xn--exmple-cua.org", "/"),
    ],
)
def test_what_is_allowed_is_taken_apart_once(url: str, authority: str, path: str) -> None:
    target = read_target(url, Reach())
    assert (target.authority, target.path) == (authority, path)


async def sent_to(url: str, reach: Reach, *resolved: Sequence[str]) -> list[Failure | None]:
    """What comes of sending, once for each time that the name is resolved."""
    answers = iter(resolved)

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return next(answers)

    sender = HttpSender(reach, resolve=resolve, seconds=2)
    failures = [(await sender.send(Outgoing(url, {}, b"{}"))).failure for _ in resolved]
    await sender.close()
    return failures


async def test_a_name_that_resolves_to_one_reaches_nobody(listener: Listener) -> None:
    url = f"http://hook.example.org:{listener.port}/"
    for address in [*REFUSED_ADDRESSES, "not an address", ""]:
        failures = await sent_to(url, listener.reach, [address], ["93.184.215.14", address], [])
        assert failures == [Failure.ADDRESS_REFUSED] * 3, address
    assert listener.reached == 0


async def test_what_was_judged_is_what_is_connected_to(listener: Listener) -> None:
    """A name is resolved once for a connection, and anew for the next: there is no moment in between."""
    url = f"http://hook.example.org:{listener.port}/"
    reach = Reach(http=True, loopback=True, ports=frozenset({listener.port}))
    failures = await sent_to(url, reach, ["127.0.0.1"], ["10.0.0.1"])
    assert failures == [None, Failure.ADDRESS_REFUSED]
    assert listener.reached == 1


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "127.1"]
)
async def test_a_literal_reaches_nobody(host: str, listener: Listener) -> None:
    sender = HttpSender(listener.reach, seconds=2)
    answer = await sender.send(Outgoing(f"http://{host}:{listener.port}/", {}, b""))
    await sender.close()
    assert (answer.failure, listener.reached) == (Failure.ADDRESS_REFUSED, 0)


async def test_a_name_that_nobody_knows_is_refused() -> None:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        raise OSError

    sender = HttpSender(Reach(), resolve=resolve)
    failure = (await sender.send(Outgoing("https://hook.example.org/", {}, b""))).failure
    await sender.close()
    assert failure is Failure.ADDRESS_REFUSED
