"""What receivers do to a sender: it never waits longer, reads more, or goes elsewhere than it should."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from bankid_forge import certify, rsa_key
from registry.webhooks.addresses import Reach
from registry.webhooks.proof import prove_wish
from registry.webhooks.sender import Answer, Failure, HttpSender, Outgoing
from webhooks import LOCAL, OK, Reply, answer, receiving

SOON = 0.3
"""The sender's time in these tests; nothing is slept away but what hangs for its sake."""

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def behaving(behave: Behaviour, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server that does this with each connection, once it has a request's head; gives its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await behave(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def send(url: str, *, seconds: float = SOON) -> Answer:
    sender = HttpSender(LOCAL, seconds=seconds)
    try:
        return await sender.send(Outgoing(url, {}, b"{}"))
    finally:
        await sender.close()


async def send_to(behave: Behaviour, *, seconds: float = SOON) -> Answer:
    async with behaving(behave) as port:
        return await send(f"http://127.0.0.1:{port}/hook", seconds=seconds)


def writing(
    *parts: bytes, then: Callable[[asyncio.StreamReader], Awaitable[object]] | None = None
) -> Behaviour:
    """Write this, and close; or do something else first."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"".join(parts))
        await writer.drain()
        if then is not None:
            await then(reader)

    return behave


def repeating(part: bytes, *, first: bytes = b"", pause: float = 0) -> Behaviour:
    """Write this for ever."""

    async def behave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while not writer.is_closing():
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)

    return behave


async def hang(reader: asyncio.StreamReader) -> None:
    """Until the other side has enough."""
    while await reader.read(1024):
        pass


async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


OPEN = b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("behave", "failure"),
    [
        (writing(then=hang), Failure.TIMED_OUT),
        (repeating(b"H", pause=0.05), Failure.BROKEN_ANSWER),
        (repeating(b"X-Drip: 1\r\n", first=b"HTTP/1.1 200 OK\r\n", pause=0.05), Failure.TIMED_OUT),
        (repeating(b"X-Endless: 1\r\n" * 1000, first=b"HTTP/1.1 200 OK\r\n"), Failure.BROKEN_ANSWER),
        (repeating(b"HTTP/1.1 102 Processing\r\n\r\n" * 100), Failure.BROKEN_ANSWER),
        (repeating(b"HTTP/1.1 102 Processing\r\n\r\n", pause=0.05), Failure.TIMED_OUT),
        (writing(b"SSH-2.0-OpenSSH_9.2\r\n"), Failure.BROKEN_ANSWER),
        (writing(b"HTTP/1.1 200"), Failure.BROKEN_ANSWER),
        (writing(), Failure.BROKEN_ANSWER),
        (reset, Failure.BROKEN_ANSWER),
    ],
    ids=[
        "hangs",
        "drips-nonsense",
        "drips-head",
        "endless-head",
        "endless-1xx",
        "drips-1xx",
        "ssh",
        "cut",
        "closes",
        "resets",
    ],
)
async def test_no_answer_is_a_failure_in_time(behave: Behaviour, failure: Failure) -> None:
    answer = await send_to(behave)
    assert (answer.status, answer.failure) == (None, failure)
    assert answer.duration_ms < 2000


@pytest.mark.parametrize(
    ("behave", "kept"),
    [
        (repeating(b"x" * 65536, first=OPEN), b"x" * 8192),
        (repeating(b"1000\r\n" + b"y" * 4096 + b"\r\n", first=CHUNKED), b"y" * 8192),
        (repeating(b"d", first=OPEN, pause=0.02), None),
        (writing(OPEN + b"cut"), b"cut"),
        (writing(b"HTTP/1.1 200 OK\r\n\r\nuntil closed"), b"until closed"),
        (writing(CHUNKED + b"zz\r\n"), b""),
    ],
    ids=["endless-body", "endless-chunks", "drips-body", "cut-body", "until-closed", "broken-chunks"],
)
async def test_the_status_decides_however_the_body_comes(behave: Behaviour, kept: bytes | None) -> None:
    answer = await send_to(behave)
    assert (answer.status, answer.failure) == (200, None)
    assert answer.body == kept if kept is not None else set(answer.body) == {ord("d")}
    assert answer.duration_ms < 2000


@pytest.mark.parametrize("status", [200, 201, 204, 301, 302, 307, 308, 401, 410, 429, 500, 503])
async def test_a_status_is_told_as_it_is_and_no_redirect_followed(status: int) -> None:
    async with receiving(lambda _: answer(status, Location="/elsewhere", Retry_After="9")) as receiver:
        got = await send(receiver.address)
    assert (got.status, got.failure, got.headers["retry-after"]) == (status, None, "9")
    assert [request.path for request in receiver.got] == ["/webhooks"]


async def test_what_comes_before_the_answer_is_passed_over() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nRetry-After: 1\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    got = await send_to(writing(early + OK))
    assert (got.status, "retry-after" in got.headers) == (200, False)
    switched = await send_to(
        writing(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nfoo")
    )
    assert switched.status == 101


async def test_nobody_there_is_unreachable() -> None:
    async with receiving() as receiver:
        gone = receiver.address
    assert (await send(gone)).failure is Failure.UNREACHABLE


async def test_a_connection_is_kept_and_replaced_when_it_was_closed() -> None:
    connections = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        writer.write(OK)
        await reader.readuntil(b"\r\n\r\n")
        if len(connections) > 1:  # the first one closes when it should answer again
            writer.write(OK)
            await hang(reader)

    async with behaving(serve) as port:
        sender = HttpSender(LOCAL, seconds=2)
        statuses = [
            (await sender.send(Outgoing(f"http://127.0.0.1:{port}/", {}, b""))).status for _ in range(3)
        ]
        await sender.close()
    assert statuses == [200, 200, 200]
    assert len(connections) == 2


async def test_proxies_of_the_environment_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiving() as proxy, receiving(lambda _: OK) as receiver:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.address)
        assert (await send(receiver.address)).status == 200
    assert (len(receiver.got), proxy.got) == (1, [])


async def test_tls_is_checked_and_goes_by_the_name(tmp_path: Path) -> None:
    """Also where the name was resolved and the connection made to an address."""
    now, name = datetime.now(UTC), NameOID.COMMON_NAME
    valid = (now - timedelta(days=1), now + timedelta(days=1))
    root = certify(
        {name: "Hooks CA"}, rsa_key("root"), None, valid=valid, is_authority=True, usage=("key_cert_sign",)
    )
    server = certify(
        {name: "hook"}, rsa_key("bank"), root, valid=valid, usage=("digital_signature",), address="127.0.0.1"
    )
    key = server.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "server.pem").write_bytes(server.certificate.public_bytes(Encoding.PEM) + key)
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(tmp_path / "server.pem")
    trusting = ssl.create_default_context(cadata=root.certificate.public_bytes(Encoding.PEM).decode())

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    async with behaving(writing(OK), served) as port:
        reach = Reach(loopback=True, ports=frozenset({port}))
        found = []
        for tls, host in ((trusting, "127.0.0.1"), (None, "127.0.0.1"), (trusting, "hook.example.org")):
            sender = HttpSender(reach, tls=tls, seconds=2, resolve=resolve)
            answer = await sender.send(Outgoing(f"https://{host}:{port}/", {}, b""))
            found.append((answer.status, answer.failure))
            await sender.close()
    assert found == [(200, None), (None, Failure.TLS_FAILED), (None, Failure.TLS_FAILED)]


Proof = tuple[bool, Sequence[str]]


async def proof(reply: Reply, challenge: str = "c-1") -> Proof:
    async with receiving(reply) as receiver:
        sender = HttpSender(LOCAL, seconds=SOON)
        ping = Outgoing(receiver.address, {}, b'{"type":"endpoint.ping","data":{"challenge":"c-1"}}')
        proved, _ = await prove_wish(sender, ping, origin="registry.example", challenge=challenge)
        await sender.close()
    return proved, [request.method for request in receiver.got]


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (lambda _: answer(200, WebHook_Allowed_Origin="registry.example"), (True, ["OPTIONS"])),
        (lambda _: answer(200, WebHook_Allowed_Origin="*"), (True, ["OPTIONS"])),
        (lambda _: OK, (False, ["OPTIONS", "POST"])),
        (lambda _: answer(200, WebHook_Allowed_Origin="another.example"), (False, ["OPTIONS", "POST"])),
        (lambda _: answer(403, WebHook_Allowed_Origin="*"), (False, ["OPTIONS", "POST"])),
        (lambda _: answer(200, b'{"challenge": "c-1"}'), (True, ["OPTIONS", "POST"])),
        (lambda _: answer(200, b" c-1\n"), (True, ["OPTIONS", "POST"])),
        (lambda _: answer(200, b'"\\ud800"'), (False, ["OPTIONS", "POST"])),
        (lambda _: answer(200, b'"c-1"'), (True, ["OPTIONS", "POST"])),
        (lambda _: answer(200, b'{"challenge": "c-2"}'), (False, ["OPTIONS", "POST"])),
        (lambda _: answer(200, b"challenge c-1"), (False, ["OPTIONS", "POST"])),
        (lambda _: answer(200, b"[" * 8000), (False, ["OPTIONS", "POST"])),
        (lambda _: answer(500, b'{"challenge": "c-1"}'), (False, ["OPTIONS", "POST"])),
        (lambda request: answer(200, request.body), (False, ["OPTIONS", "POST"])),
    ],
)
async def test_what_counts_as_a_proof(reply: Reply, expected: Proof) -> None:
    """To send back all that came, or to answer 200 to everything, shows nothing."""
    assert await proof(reply) == expected


async def test_the_origin_is_asked_for() -> None:
    async with receiving() as receiver:
        sender = HttpSender(Reach(loopback=True), seconds=SOON)
        ping = Outgoing(receiver.address, {}, b'{"data":{"challenge":"c"}}')
        await prove_wish(sender, ping, origin="registry.example", challenge="c")
        await sender.close()
    assert receiver.got[0].headers["webhook-request-origin"] == "registry.example"


@pytest.mark.parametrize(
    "first",
    [CHUNKED + b"0\r\nRetry-After: 9\r\nX-Long: ", CHUNKED + b"1;"],
    ids=["trailers", "chunk-extension"],
)
async def test_what_comes_after_the_head_and_is_no_body_is_bounded(first: bytes) -> None:
    answer = await send_to(repeating(b"x" * 65536, first=first), seconds=10)
    assert (answer.status, answer.body) == (200, b"")
    assert set(answer.headers) == {"transfer-encoding"}
    assert answer.duration_ms < 5000
