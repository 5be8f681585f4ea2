"""A receiver of webhooks as a process: takes what is sent, and tells how often and how late it came.

`python -m benchmarks.webhook_receiver PORT`. `/hang` never answers; `/report` tells, `/reset` forgets.
"""

import asyncio
import sys
import time
from datetime import datetime

import orjson
import uvloop

_TAKEN = b"HTTP/1.1 204 No Content\r\n\r\n"


class Receiver(asyncio.Protocol):
    """One connection. What all of them got is in `latencies`, milliseconds by message id, and `requests`."""

    latencies: dict[str, float] = {}  # noqa: RUF012  # one for the process
    requests = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # of a stream
        """Begin."""
        self._transport = transport
        self._read = b""

    def data_received(self, data: bytes) -> None:
        """Answer each request that is whole."""
        self._read += data
        while b"\r\n\r\n" in self._read:
            head, _, rest = self._read.partition(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            length = int(headers.get("content-length", "0"))
            if len(rest) < length:
                return
            body, self._read = rest[:length], rest[length:]
            self._answer(first.split(" ")[1], headers, body)

    def _answer(self, path: str, headers: dict[str, str], body: bytes) -> None:
        if path == "/report":
            report = orjson.dumps({"requests": Receiver.requests, "latencies": Receiver.latencies})
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(report)}\r\nConnection: close\r\n\r\n"
            self._transport.write(head.encode() + report)
            self._transport.close()
        elif path == "/reset":
            Receiver.latencies, Receiver.requests = {}, 0
            self._transport.write(_TAKEN)
        elif path != "/hang":
            told_at = datetime.fromisoformat(orjson.loads(body)["timestamp"]).timestamp()
            Receiver.requests += 1
            Receiver.latencies.setdefault(headers["webhook-id"], (time.time() - told_at) * 1000)
            self._transport.write(_TAKEN)


async def main() -> None:
    """Listen until terminated."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Receiver, "127.0.0.1", int(sys.argv[1]), backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
