"""A receiver of webhooks that does as it is told, and deliveries made one round at a time."""

import asyncio
import base64
import hmac
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any

import orjson
from uuid_utils.compat import uuid7

from factories import Json, Organisation, World
from registry.domain.notices import FeedEventType, Notice
from registry.operations.claim_deliveries import Due, OpenedEndpoints, claim_deliveries
from registry.operations.record_attempts import Tried, record_attempts
from registry.operations.sequence_events import sequence_events
from registry.storage.outbox import enqueue
from registry.webhooks.addresses import Reach
from registry.webhooks.sender import HttpSender
from registry.worker.delivering import Outbound

LOCAL = Reach(loopback=True)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@dataclass(frozen=True)
class Request:
    """What a receiver was sent. Headers have names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Json:
        return orjson.loads(self.body)

    def signatures(self, kind: str) -> list[bytes]:
        """The signatures of a kind, `v1` or `v1a`."""
        signed = [item.split(",", 1) for item in self.headers["webhook-signature"].split()]
        return [base64.b64decode(value) for name, value in signed if name == kind]

    @property
    def signed(self) -> bytes:
        return f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + self.body

    def is_signed_with(self, secret: str) -> bool:
        """Whether one of the `v1` signatures is by this shared secret."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        return hmac.digest(key, self.signed, sha256) in self.signatures("v1")


Reply = Callable[[Request], bytes]
"""The whole answer as it is written to the connection."""


def answer(status: int, body: bytes = b"", **headers: str) -> bytes:
    """An answer in HTTP/1.1."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    fields["Content-Length"] = str(len(body))
    lines = [f"HTTP/1.1 {status} Told", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def echo(request: Request) -> bytes:
    """Take everything, and prove the wish."""
    if request.method == "OPTIONS":
        return answer(405)
    challenge = request.json["data"].get("challenge")
    return answer(200, orjson.dumps({"challenge": challenge})) if challenge else OK


@dataclass
class Receiver:
    """A server on this machine. `reply` may be exchanged at any time."""

    address: str = ""
    reply: Reply = echo
    got: list[Request] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def events(self) -> list[Request]:
        """What it got that was no handshake and no ping."""
        return [item for item in self.got if item.method == "POST" and item.json["type"] != "endpoint.ping"]


@asynccontextmanager
async def receiving(reply: Reply = echo) -> AsyncIterator[Receiver]:
    """Run a receiver."""
    receiver = Receiver(reply=reply)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                method, path, _ = head[0].split(" ")
                pairs = (line.split(":", 1) for line in head[1:] if line)
                headers = {name.lower(): value.strip() for name, value in pairs}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                request = Request(method, path, headers, body)
                receiver.got.append(request)
                receiver.came.set()
                writer.write(receiver.reply(request))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    receiver.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/webhooks"
    try:
        yield receiver
    finally:
        server.close()


@dataclass
class Deliveries:
    """Makes deliveries of a world, round by round, as the worker does."""

    world: World
    outbound: Outbound
    opened: OpenedEndpoints = field(default_factory=OpenedEndpoints)

    async def sequence(self) -> None:
        """Sequence what was told."""
        await sequence_events(self.world.database, now=self.world.clock())

    async def claim(self, limit: int = 100) -> list[Due]:
        """Sequence what was told, and lease what is due."""
        now = self.world.clock()
        await self.sequence()
        return await claim_deliveries(
            self.world.database,
            self.world.keys,
            self.opened,
            limit=limit,
            source=self.outbound.source,
            now=now,
        )

    async def record(self, *tried: Tried, chance: float = 0.5) -> None:
        """Record attempts; the jitter is none."""
        await record_attempts(
            self.world.database, self.world.keys, tried, now=self.world.clock(), chance=lambda: chance
        )

    async def make(self) -> int:
        """One round: everything that is due is sent and recorded; returns how many attempts were made."""
        due = await self.claim()
        tried = await asyncio.gather(*(self.outbound.attempt(item, now=self.world.clock()) for item in due))
        if tried:
            await self.record(*tried)
        return len(tried)

    async def settle(self) -> None:
        """Rounds until nothing is due any more."""
        while await self.make():
            pass


@asynccontextmanager
async def delivering(world: World, *, seconds: float = 5.0) -> AsyncIterator[Deliveries]:
    """Deliver a world's events, on this machine too."""
    settings = world.runtime.settings
    world.runtime.settings = settings.model_copy(update={"webhooks_allow_loopback": True})
    sender = HttpSender(LOCAL, seconds=seconds)
    yield Deliveries(world, Outbound(sender, settings.public_url))
    await sender.close()


async def happen(
    world: World, owner: Organisation, count: int = 1, *, earlier: timedelta = timedelta()
) -> None:
    """Have acts tell an organisation that templates were published, some time ago, without the acts."""
    published = [
        Notice(
            uuid7(),
            FeedEventType.TEMPLATE_PUBLISHED,
            world.clock() - earlier,
            uuid7(),
            frozenset({world.keys.party_index(owner.party)}),
        )
        for _ in range(count)
    ]
    async with world.database.transaction() as session:
        await enqueue(session, published)


async def register(owner: Organisation, receiver: Receiver, **changes: Any) -> Json:  # noqa: ANN401
    """Register an endpoint for everything; it is pending."""
    body = {"url": receiver.address, "event_types": ["*"]} | changes
    registered = await owner.post("/v1/webhook-endpoints", body)
    assert registered.status_code == 201, registered.text
    return registered.json()


async def enabled(
    owner: Organisation,
    receiver: Receiver,
    deliveries: Deliveries,
    **changes: Any,  # noqa: ANN401
) -> Json:
    """Register an endpoint, and have its wish proved."""
    endpoint = await register(owner, receiver, **changes)
    await deliveries.settle()
    shown = (await owner.get(f"/v1/webhook-endpoints/{endpoint['id']}")).json()
    assert shown["status"] == "enabled", shown
    deliveries.world.clock.advance(seconds=1)  # pending endpoints get one message a second
    return endpoint
