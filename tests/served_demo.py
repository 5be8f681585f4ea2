"""A registry that trusts the demo's e-ID, served by a real server in a thread: for clients that block."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from registry.demo.trusted import trusted_demo_issuers
from registry.serving import Server, bind, open_runtime, open_surfaces
from registry.settings import Settings

SECONDS_TO_START = 20
SECONDS_TO_STOP = 30


@contextmanager
def serving(settings: Settings) -> Iterator[str]:
    """Serve the registry on a free port of the loopback and give its address; stop it at the end."""
    with bind("127.0.0.1", 0) as listening:
        served = _Served(settings, listening)
        served.start()
        try:
            assert served.started.wait(SECONDS_TO_START), "the server did not start"
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            served.stop()
            served.join(SECONDS_TO_STOP)


class _Served(threading.Thread):
    """The server with an event loop of its own."""

    def __init__(self, settings: Settings, listening: socket.socket) -> None:
        super().__init__(name="served", daemon=True)
        self.started = threading.Event()
        self._settings = settings
        self._listening = listening
        self._server: Server | None = None

    def run(self) -> None:
        asyncio.run(self._serve())

    def stop(self) -> None:
        if self._server is not None:
            self._server.should_exit = True

    async def _serve(self) -> None:
        async with (
            open_runtime(self._settings, more_issuers=trusted_demo_issuers()) as runtime,
            open_surfaces(runtime) as surfaces,
        ):
            self._server = Server(runtime, self.started.set, surfaces)
            await self._server.serve(sockets=[self._listening])
