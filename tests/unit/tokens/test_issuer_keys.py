"""Keys fetched from a real HTTP server on the loopback interface: kept, renewed, bounded, and never lost."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

import httpx
import orjson
import pytest

from registry.domain.errors import UnauthenticatedError, UnavailableError
from registry.identity.access_tokens import verify_access_token
from registry.identity.issuer_keys import FetchedKeys, FetchLimits, StaticKeys, key_source
from registry.identity.issuers import Purpose, TrustedIssuer, index_issuers
from registry.signing.jose import SigningKey
from registry.signing.jwk import InvalidKeyError
from token_forge import AUDIENCE, ISSUER, NOW, access_claims, access_token, assemble, es_key, header

LIMITS = FetchLimits(
    fresh_for=600, unknown_kid_interval=30, retry_interval=5, usable_for=3_600, timeout=5, max_bytes=20_000
)
IMPATIENT = replace(LIMITS, timeout=0.4)

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


def answer(body: bytes, status: str = "200 OK", *headers: str) -> Answer:
    async def write(writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)

    return write


def key_set(*keys: SigningKey) -> Answer:
    return answer(orjson.dumps({"keys": [key.public_jwk() for key in keys]}))


async def silence(_writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def hang_up(_writer: asyncio.StreamWriter) -> None:
    return


async def greet_as_mail(writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail.example.test\r\n")


async def drip(writer: asyncio.StreamWriter) -> None:
    """Send a byte more often than any time-out between two reads would notice."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


async def never_end(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"400\r\n" + b" " * 1_024 + b"\r\n")
        await writer.drain()


@dataclass
class IssuerServer:
    """An issuer's web server. `answer` may be changed between requests; paths asked for are kept in order."""

    answer: Answer
    requests: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/jwks.json"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            try:
                request = await reader.readuntil(b"\r\n\r\n")
                self.requests.append(request.split()[1].decode())
                await self.answer(writer)
                await writer.drain()
            finally:
                writer.close()
                await writer.wait_closed()


@asynccontextmanager
async def running_server(first: Answer) -> AsyncIterator[IssuerServer]:
    issuer = IssuerServer(first)
    handlers: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handlers.add(asyncio.create_task(issuer.serve(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    issuer.port = server.sockets[0].getsockname()[1]
    try:
        yield issuer
    finally:
        for handler in handlers:
            handler.cancel()
        await asyncio.gather(*handlers, return_exceptions=True)
        server.close()
        await server.wait_closed()


@pytest.fixture
async def server() -> AsyncIterator[IssuerServer]:
    async with running_server(key_set(es_key())) as issuer:
        yield issuer


@pytest.fixture(scope="module")
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


@dataclass
class Clock:
    seconds: float = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(server: IssuerServer, http: httpx.AsyncClient, clock: Clock) -> FetchedKeys:
    return FetchedKeys(server.url, http, clock=clock, limits=LIMITS)


async def test_one_fetch_serves_all_who_ask_at_once(keys: FetchedKeys, server: IssuerServer) -> None:
    found = await asyncio.gather(*(keys.find("es-1") for _ in range(50)))
    assert found == [es_key().verification_key] * 50
    assert server.requests == ["/jwks.json"]


async def test_nothing_is_fetched_before_a_key_is_asked_for_nor_while_fresh(
    keys: FetchedKeys, server: IssuerServer, clock: Clock
) -> None:
    assert server.requests == []
    first = await keys.find("es-1")
    clock.seconds += 599
    assert await keys.find("es-1") is first
    assert len(server.requests) == 1


async def test_a_withdrawn_key_is_gone_when_the_keys_are_renewed(
    keys: FetchedKeys, server: IssuerServer, clock: Clock
) -> None:
    assert await keys.find("es-1")
    server.answer = key_set(es_key("es-2"))
    clock.seconds += 600
    assert await keys.find("es-1") is None
    assert await keys.find("es-2") == es_key("es-2").verification_key
    assert len(server.requests) == 2


async def test_a_new_key_is_found_at_once_when_the_last_fetch_is_old_enough(
    keys: FetchedKeys, server: IssuerServer, clock: Clock
) -> None:
    assert await keys.find("es-1")
    server.answer = key_set(es_key(), es_key("es-2"))
    clock.seconds += 30
    assert await keys.find("es-2") == es_key("es-2").verification_key
    assert len(server.requests) == 2


async def test_unknown_kids_cause_one_fetch_per_interval(
    keys: FetchedKeys, server: IssuerServer, clock: Clock
) -> None:
    assert await keys.find("es-1")
    for _ in range(3):
        assert [await keys.find(f"unknown-{number}") for number in range(20)] == [None] * 20
        clock.seconds += 9.9
    assert len(server.requests) == 1
    clock.seconds += 1
    assert await asyncio.gather(*(keys.find(f"unknown-{number}") for number in range(20))) == [None] * 20
    assert len(server.requests) == 2
    assert await keys.find("es-1")


FAILURES: dict[str, Answer] = {
    "redirect": answer(b"", "302 Found", "Location: /elsewhere.json"),
    "permanent redirect": answer(b"", "308 Permanent Redirect", "Location: /elsewhere.json"),
    "not found": answer(b"{}", "404 Not Found"),
    "server error": answer(orjson.dumps({"keys": [es_key().public_jwk()]}), "500 Internal Server Error"),
    "no content": answer(b"", "204 No Content"),
    "empty": answer(b""),
    "not json": answer(b"<html></html>"),
    "not an object": answer(b"[]"),
    "no keys": answer(b'{"keys": []}'),
    "keys no list": answer(b'{"keys": {}}'),
    "duplicate members": answer(b'{"keys": [], "keys": []}'),
    "only a secret": answer(b'{"keys": [{"kty": "oct", "k": "AAAA", "kid": "es-1", "alg": "HS256"}]}'),
    "nested": answer(b'{"keys": ' + b"[" * 9_000 + b"]" * 9_000 + b"}"),
    "long": answer(orjson.dumps({"keys": [es_key("es-2").public_jwk()]}).ljust(20_001)),
    "compressed": answer(
        gzip.compress(orjson.dumps({"keys": [es_key().public_jwk()]})), "200 OK", "Content-Encoding: gzip"
    ),
    "no HTTP": greet_as_mail,
    "hang up": hang_up,
    "endless": never_end,
    "silence": silence,
    "drip": drip,
}


def limits_for(name: str) -> FetchLimits:
    return IMPATIENT if name in {"silence", "drip"} else LIMITS


@pytest.mark.parametrize("name", FAILURES)
async def test_a_failed_fetch_keeps_the_last_keys(
    name: str, server: IssuerServer, http: httpx.AsyncClient, clock: Clock
) -> None:
    keys = FetchedKeys(server.url, http, clock=clock, limits=limits_for(name))
    known = await keys.find("es-1")
    assert known
    server.answer = FAILURES[name]
    clock.seconds += 600
    async with asyncio.timeout(LIMITS.timeout):
        assert await keys.find("es-1") is known
    assert await keys.find("unknown") is None
    assert server.requests == ["/jwks.json"] * 2
    server.answer = key_set(es_key("es-2"))
    clock.seconds += 5
    assert await keys.find("es-2") == es_key("es-2").verification_key
    assert await keys.find("es-1") is None


@pytest.mark.parametrize("name", FAILURES)
async def test_without_any_keys_the_answer_is_unavailable_and_soon_tried_again(
    name: str, server: IssuerServer, http: httpx.AsyncClient, clock: Clock
) -> None:
    keys = FetchedKeys(server.url, http, clock=clock, limits=limits_for(name))
    server.answer = FAILURES[name]
    for _ in range(3):
        with pytest.raises(UnavailableError):
            await keys.find("es-1")
    assert len(server.requests) == 1
    server.answer = key_set(es_key())
    clock.seconds += 5
    assert await keys.find("es-1") == es_key().verification_key


async def test_a_closed_port_is_unavailable(http: httpx.AsyncClient, clock: Clock) -> None:
    async with running_server(hang_up) as issuer:
        url = issuer.url
    with pytest.raises(UnavailableError, match="try again"):
        await FetchedKeys(url, http, clock=clock, limits=LIMITS).find("es-1")


async def test_a_failing_issuer_delays_only_the_first_who_finds_out(
    server: IssuerServer, http: httpx.AsyncClient, clock: Clock
) -> None:
    keys = FetchedKeys(server.url, http, clock=clock, limits=IMPATIENT)
    known = await keys.find("es-1")
    server.answer = silence
    clock.seconds += 600
    assert await keys.find("es-1") is known
    clock.seconds += 5
    async with asyncio.timeout(IMPATIENT.timeout / 2):
        assert await keys.find("es-1") is known
        assert await asyncio.gather(*(keys.find("es-1") for _ in range(20))) == [known] * 20
    assert await keys.find("unknown") is None  # waits for the attempt that those left running
    assert len(server.requests) == 3


async def test_keys_of_an_issuer_that_stays_silent_are_not_believed_for_ever(
    keys: FetchedKeys, server: IssuerServer, clock: Clock
) -> None:
    assert await keys.find("es-1")
    server.answer = hang_up
    clock.seconds += 3_599
    assert await keys.find("es-1")
    clock.seconds += 1
    with pytest.raises(UnavailableError):
        await keys.find("es-1")


async def test_a_fetch_goes_on_when_its_first_asker_leaves(keys: FetchedKeys, server: IssuerServer) -> None:
    asked, may_answer = asyncio.Event(), asyncio.Event()

    async def when_told(writer: asyncio.StreamWriter) -> None:
        asked.set()
        await may_answer.wait()
        await key_set(es_key())(writer)

    server.answer = when_told
    first, second = asyncio.create_task(keys.find("es-1")), asyncio.create_task(keys.find("es-1"))
    await asked.wait()
    first.cancel()
    may_answer.set()
    assert await second == es_key().verification_key
    with pytest.raises(asyncio.CancelledError):
        await first
    assert server.requests == ["/jwks.json"]


@pytest.mark.parametrize(
    "url",
    [
        "http://login.example.test/jwks.json",
        "http://127.0.0.1.example.test/jwks.json",
        "http://127.0.0.1@example.test/jwks.json",
        "ftp://127.0.0.1/jwks.json",
        "file:///etc/passwd",
        "/jwks.json",
        "",
    ],
)
async def test_addresses_that_keys_are_never_fetched_from(url: str, http: httpx.AsyncClient) -> None:
    with pytest.raises(ValueError, match="https"):
        FetchedKeys(url, http)


async def test_configured_keys_are_taken_as_they_are_or_fetched(
    server: IssuerServer, http: httpx.AsyncClient
) -> None:
    inline = key_source({"keys": [es_key().public_jwk()]}, http)
    assert isinstance(inline, StaticKeys)
    assert await inline.find("es-1") == es_key().verification_key
    assert await inline.find("es-2") is None
    assert server.requests == []
    assert await key_source(server.url, http).find("es-1") == es_key().verification_key
    assert len(server.requests) == 1
    with pytest.raises(InvalidKeyError):
        key_source({"keys": []}, http)


async def test_a_token_never_chooses_what_is_fetched(keys: FetchedKeys, server: IssuerServer) -> None:
    trusted = index_issuers([TrustedIssuer(ISSUER, Purpose.ACCESS_TOKEN, keys, frozenset({AUDIENCE}))])
    own = f"http://127.0.0.1:{server.port}/attacker.json"
    for token in (
        assemble(header(jku=own), access_claims()),
        assemble(header(x5u=own), access_claims()),
        assemble(header(typ="JWT"), access_claims()),
        assemble(header(alg="none"), access_claims()),
        assemble(header(alg="RS512"), access_claims()),
        access_token(iss=own),
    ):
        with pytest.raises(UnauthenticatedError):
            await verify_access_token(token, trusted, now=NOW)
    assert server.requests == []
    assert (await verify_access_token(access_token(), trusted, now=NOW)).issuer == ISSUER
    assert server.requests == ["/jwks.json"]


async def test_a_token_is_unavailable_not_refused_while_its_issuers_keys_cannot_be_had(
    keys: FetchedKeys, server: IssuerServer
) -> None:
    server.answer = hang_up
    trusted = index_issuers([TrustedIssuer(ISSUER, Purpose.ACCESS_TOKEN, keys, frozenset({AUDIENCE}))])
    with pytest.raises(UnavailableError):
        await verify_access_token(access_token(), trusted, now=NOW)
