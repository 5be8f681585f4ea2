"""`registry dev`, as `make run` calls it: whatever ends it, the next start has everything that was there."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from registry_processes import Dev, Running, run, running_dev
from required_programs import need_program

End = Callable[[Running, Path], None]


@pytest.fixture(scope="module")
def data(open_directory: Path) -> Path:
    return open_directory / "restarted"


def ctrl_c(command: Running, _: Path) -> None:
    command.process.send_signal(signal.SIGINT)


def terminate(command: Running, _: Path) -> None:
    command.process.send_signal(signal.SIGTERM)


def kill_python(command: Running, _: Path) -> None:
    command.process.kill()


def kill_everything(command: Running, data: Path) -> None:
    for pid in [command.process.pid, *postgres_processes(data)]:
        # The postmaster's children may have noticed its end before their turn comes.
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


async def test_what_was_acknowledged_is_there_after_any_end(
    data: Path, record_property: Callable[[str, object], None]
) -> None:
    written: list[str] = []
    ends: list[tuple[End, int]] = [
        (ctrl_c, 0),
        (kill_python, -signal.SIGKILL),
        (kill_everything, -signal.SIGKILL),
        (terminate, 0),
    ]
    for end, code in ends:
        async with running_dev(data) as dev, demo_platform(dev) as http:
            record_property("seconds to start", round(dev.command.seconds_to_start, 2))
            assert (await http.get("/ready")).status_code == 200
            assert sorted(await read_templates(http)) == sorted(written)
            assert postgres_processes(data)
            written.append(await write_template(http))
            end(dev.command, data)
            assert await asyncio.wait_for(dev.command.process.wait(), 30) == code
            await nothing_left(data)


async def test_the_printed_command_verifies_a_mandate_of_the_demo(dev: Dev) -> None:
    for program in ("curl", "sh"):
        need_program(program, to="run the command that `make run` prints")
    line = await dev.command.says("curl -s")
    assert f"The registry is at {dev.address}\n" in dev.command.lines
    done = await asyncio.create_subprocess_exec("sh", "-c", line, stdout=asyncio.subprocess.PIPE)
    out, _ = await done.communicate()
    assert done.returncode == 0
    assert out.startswith(b'{"decision":"permit"')


async def test_a_port_in_use_is_said_before_anything_is_made(dev: Dev, open_directory: Path) -> None:
    elsewhere = open_directory / "elsewhere"
    port = dev.address.rpartition(":")[2]
    done = await run("dev", "--port", port, "--data", str(elsewhere))
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"registry: port {port} of 127.0.0.1 is in use: ")
    assert not elsewhere.exists()


@asynccontextmanager
async def demo_platform(dev: Dev) -> AsyncIterator[httpx.AsyncClient]:
    """A connection of the demo's e-service platform."""
    async with httpx.AsyncClient(base_url=dev.address) as http:
        form = {"grant_type": "client_credentials"}
        granted = await http.post("/oauth2/token", data=form, auth=("demo-platform", "demo"))
        http.headers["Authorization"] = f"Bearer {granted.json()['access_token']}"
        yield http


async def write_template(http: httpx.AsyncClient) -> str:
    """Create a template, and give its id."""
    body = {
        "third_party": {"scheme": "se-orgnr", "value": "2120002411"},
        "kind": "representation",
        "services": ["oep-restart"],
        "title": {"sv": "Omstart"},
        "permissions": [{"code": "apply", "type": "sign", "title": {"sv": "Ansöka"}}],
        "validity": {"default_days": 365, "max_days": 365},
    }
    created = await http.post("/v1/templates", json=body, headers={"Idempotency-Key": str(uuid4())})
    assert created.status_code == 201, created.text
    template_id: str = created.json()["id"]
    return template_id


async def read_templates(http: httpx.AsyncClient) -> list[str]:
    """The ids of the templates written here, the newest first."""
    found = await http.get("/v1/templates", params={"service": "oep-restart", "status": "draft"})
    return [item["id"] for item in found.json()["items"]]


def postgres_processes(data: Path) -> list[int]:
    """The PostgreSQL processes that work on this directory's data."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        # Gone by now, or somebody else's.
        with suppress(OSError):
            if (process / "cwd").readlink().is_relative_to(data):
                found.append(int(process.name))
    return found


async def nothing_left(data: Path) -> None:
    """Wait, some seconds at most, until the last of them has ended."""
    async with asyncio.timeout(10):
        while postgres_processes(data):  # noqa: ASYNC110  # they end without telling anybody
            await asyncio.sleep(0.01)
