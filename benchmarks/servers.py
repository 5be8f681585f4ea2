"""Server processes pinned to a core, one after the other on the same port."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

SERVER_CORE, OTHER_CORE = 0, 1
UVICORN = ("--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(command: list[str], environment: Mapping[str, str], port: int, path: str) -> Iterator[int]:
    """Run a server on its core until the block ends; `path` answers when it is ready. Gives its pid."""
    process = subprocess.Popen(  # noqa: S603  # our own commands
        [sys.executable, *command],
        env={**os.environ, **environment},
        stderr=sys.stderr if os.environ.get("BENCH_SHOW_SERVER") else subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, {SERVER_CORE}),  # noqa: PLW1509  # Linux, no threads yet
    )
    try:
        _await(f"http://127.0.0.1:{port}{path}", process)
        yield process.pid
    finally:
        process.terminate()
        process.wait(10)


def baseline(url: str, third_party: str, pool: int, port: int) -> tuple[list[str], dict[str, str]]:
    """The command and the environment of the baseline."""
    command = ["-m", "uvicorn", "benchmarks.baseline:app", "--port", str(port), *UVICORN]
    return command, {"DATABASE": url, "THIRD_PARTY": third_party, "POOL": str(pool)}


def registry(url: str, keys_file: Path, pool: int, port: int) -> tuple[list[str], dict[str, str]]:
    """The command and the environment of the registry, as it is deployed."""
    return ["-m", "registry", "serve", "--port", str(port)], {
        "REGISTRY_DATABASE_URL": url,
        "REGISTRY_KEYS_FILE": str(keys_file),
        "REGISTRY_HOT_POOL_SIZE": str(pool),
        "REGISTRY_PUBLIC_URL": f"http://127.0.0.1:{port}",
    }


def load(port: int, connections: int, seconds: float, requests: list[bytes]) -> bytes:
    """Run the load generator on the other core; gives its one line."""
    data = b"".join(len(item).to_bytes(4, "big") + item for item in requests)
    done = subprocess.run(  # noqa: S603  # our own command
        [sys.executable, "-m", "benchmarks.load", str(port), str(connections), str(seconds)],
        input=data,
        stdout=subprocess.PIPE,
        check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {OTHER_CORE}),  # Linux, no threads yet
    )
    return done.stdout


def resident_mib(pid: int) -> float:
    """Resident memory of a process, from /proc."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ProcessLookupError(pid)


def _await(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310  # our own address
                return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError(f"no answer from {url}")
