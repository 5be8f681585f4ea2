"""Workers as processes: any number of them, ended by a signal."""

import signal

import pytest

from registry_processes import running


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_two_workers_work_side_by_side_and_end_in_order(
    installation: dict[str, str], number: signal.Signals
) -> None:
    settings = installation | {"REGISTRY_LOG_LEVEL": "debug"}
    async with (
        running("worker", until="worker.round", settings=settings) as one,
        running("worker", until="worker.round", settings=settings) as other,
    ):
        assert (await one.end(number), await other.end(number)) == (0, 0)
        assert not any('"level": "error"' in line or "Traceback" in line for line in one.lines + other.lines)
