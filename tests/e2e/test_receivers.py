"""The receivers that the guide offers, as processes: each takes real messages once, by either signature."""

import asyncio
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import orjson
import pytest

from registry.webhooks.message import SigningSecret, new_secret, signed_headers
from registry.webhooks.proof import prove_wish
from registry.webhooks.sender import HttpSender, Outgoing
from required_programs import PROJECT, need_program
from webhooks import LOCAL

RECEIVERS = PROJECT / "docs" / "receivers"
PATH = {"PATH": os.environ["PATH"]}
EVENT = orjson.dumps({"type": "mandate.revoked", "timestamp": "2026-11-21T09:00:00Z", "data": {"id": "1"}})
PING = orjson.dumps({"type": "endpoint.ping", "data": {"challenge": "c-1"}})


def now() -> int:
    return int(time.time())


@asynccontextmanager
async def running(program: str, **environment: str) -> AsyncIterator[tuple[str, asyncio.StreamReader]]:
    """Run a receiver; gives its address and what it writes."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = {"py": [sys.executable], "mjs": ["node"]}[program.partition(".")[2]]
    if command == ["node"]:
        need_program("node", to="run the receiver in Node")
    process = await asyncio.create_subprocess_exec(
        *command, str(RECEIVERS / program), str(port), env=environment | PATH, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        await _listening(port)
        yield f"http://127.0.0.1:{port}/", process.stdout
    finally:
        process.kill()
        await process.wait()


async def _listening(port: int) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return


@pytest.mark.parametrize("program", ["receiver.py", "receiver.mjs"])
async def test_a_receiver_takes_what_is_signed_once(program: str) -> None:
    secret, stranger = new_secret(), new_secret()
    keys = {"SECRET": secret.shared_text, "PUBLIC_KEY": secret.public_text}
    async with AsyncExitStack() as stack:
        address, written = await stack.enter_async_context(running(program, **keys))
        sender = HttpSender(LOCAL, seconds=10)
        stack.push_async_callback(sender.close)
        ping = Outgoing(address, signed_headers("msg_0", now(), PING, [secret]), PING)
        proved, _ = await prove_wish(sender, ping, origin="registry.example", challenge="c-1")
        assert proved
        for kind in ("v1", "v1a"):
            send = _sending(sender, address, kind)
            assert await send(PING, stranger) == 401
            assert await send(EVENT, secret) == 204
            assert await send(EVENT, secret) == 204  # again: taken, and passed over
            assert await send(EVENT, stranger, number=2) == 401
            assert await send(EVENT, secret, number=2, late=301) == 401
            assert await send(EVENT, secret, number=2, body=EVENT.replace(b"1", b"2")) == 401
            assert await send(EVENT, stranger, secret, number=3) == 204  # during a rotation
            lines = [orjson.loads(await written.readline()) for _ in range(2)]
            assert lines == [orjson.loads(EVENT)] * 2


def _sending(sender: HttpSender, address: str, kind: str) -> Callable[..., Awaitable[int | None]]:
    """Send what is signed in this kind alone."""

    async def send(
        signed: bytes, *secrets: SigningSecret, number: int = 1, late: int = 0, body: bytes | None = None
    ) -> int | None:
        headers = dict(signed_headers(f"msg_{kind}_{number}", now() - late, signed, secrets))
        both = headers["webhook-signature"].split()
        headers["webhook-signature"] = " ".join(item for item in both if item.startswith(f"{kind},"))
        return (await sender.send(Outgoing(address, headers, body or signed))).status

    return send
