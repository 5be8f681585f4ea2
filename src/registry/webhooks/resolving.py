"""From a host's name to the addresses that webhooks may connect to."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from registry.webhooks.addresses import Reach, may_connect

_THREADS: Final = 32

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""From a name and a port to all of its IP addresses. Raises OSError, UnicodeError where there are none."""


class AddressRefusedError(Exception):
    """The name resolves to nothing, or to an address that webhooks may not go to."""


class NameResolver:
    """Resolves names by the system. A name is asked for once at a time, so that slow ones take no more."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, "webhook-names")
        self._asked: dict[tuple[str, int], asyncio.Future[list[str]]] = {}

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """All addresses of a name. Raises OSError, UnicodeError."""
        asked = self._asked.get((host, port))
        if asked is None:
            asked = asyncio.get_running_loop().run_in_executor(self._threads, _look_up, host, port)
            self._asked[host, port] = asked
            asked.add_done_callback(lambda _: self._asked.pop((host, port), None))
        return await asyncio.shield(asked)

    def close(self) -> None:
        """Take no more questions; do not wait for answers."""
        self._threads.shutdown(wait=False, cancel_futures=True)


async def find_addresses(resolve: Resolve, reach: Reach, host: str, port: int) -> Sequence[str]:
    """The addresses of a host, each of which may be connected to. Raises AddressRefusedError.

    One that may not refuses them all: a name that has such addresses is somebody's trial.
    """
    try:
        addresses = await resolve(host, port)
    except (OSError, UnicodeError) as error:
        raise AddressRefusedError from error
    if not addresses or not all(may_connect(address, reach) for address in addresses):
        raise AddressRefusedError
    return addresses


def _look_up(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(item[4][0]) for item in found))
