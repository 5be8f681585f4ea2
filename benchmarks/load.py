"""A load generator: keep-alive connections, each sending its next request when the answer is whole.

    python -m benchmarks.load PORT CONNECTIONS SECONDS < requests

Standard input holds the requests, each as a 4-byte big-endian length and its bytes. Prints one JSON line:
answers, seconds, and the latencies' median and 99th percentile in milliseconds.
"""

import asyncio
import sys
import time
from collections.abc import Iterator
from itertools import cycle

import orjson
import uvloop

WARM_UP_SECONDS = 0.5


class Connection(asyncio.Protocol):
    """One keep-alive connection. Stops the run at an answer that is not 200."""

    def __init__(self, requests: Iterator[bytes], latencies: list[float]) -> None:
        self._requests, self._latencies = requests, latencies
        self._buffer, self._expected = b"", 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self._transport: asyncio.WriteTransport = transport  # type: ignore[assignment]  # TCP transports write
        self._send()

    def data_received(self, data: bytes) -> None:
        """Count an answer that is whole, and send the next request."""
        self._buffer += data
        if not self._expected:
            head, found, _ = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            if not head.startswith(b"HTTP/1.1 200"):
                sys.exit(self._buffer.decode())
            length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
            self._expected = len(head) + 4 + int(length)
        if len(self._buffer) >= self._expected:
            self._latencies.append(time.perf_counter() - self._sent)
            self._buffer, self._expected = b"", 0
            self._send()

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(next(self._requests))


async def run(port: int, connections: int, seconds: float, requests: list[bytes]) -> dict[str, float]:
    """Load the server on this port, and measure after a warm-up."""
    latencies: list[float] = []
    loop, endless = asyncio.get_running_loop(), cycle(requests)
    opened = [
        await loop.create_connection(lambda: Connection(endless, latencies), "127.0.0.1", port)
        for _ in range(connections)
    ]
    await asyncio.sleep(WARM_UP_SECONDS)
    latencies.clear()
    start = time.perf_counter()
    await asyncio.sleep(seconds)
    elapsed = time.perf_counter() - start
    measured = sorted(latencies)
    for transport, _ in opened:
        transport.abort()
    return {
        "rate": len(measured) / elapsed,
        "p50": measured[len(measured) // 2] * 1000,
        "p99": measured[int(len(measured) * 0.99)] * 1000,
    }


def read_requests(data: bytes) -> list[bytes]:
    """Take the requests apart."""
    requests, place = [], 0
    while place < len(data):
        size = int.from_bytes(data[place : place + 4], "big")
        requests.append(data[place + 4 : place + 4 + size])
        place += 4 + size
    return requests


if __name__ == "__main__":
    port, connections, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    result = uvloop.run(run(port, connections, seconds, read_requests(sys.stdin.buffer.read())))
    sys.stdout.write(orjson.dumps(result).decode() + "\n")
