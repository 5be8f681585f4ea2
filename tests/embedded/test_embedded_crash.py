"""Whatever is killed, the next start has every committed row and no process is left over."""

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from embedded_servers import (
    QUICK,
    ROWS,
    SUM,
    execute,
    fetch,
    fetch_when_back,
    has_processes,
    holder,
    postmaster,
    wait_until,
)
from registry.embedded import EmbeddedPostgres, EmbeddedPostgresError
from registry.embedded.accounts import choose_account, is_root
from registry.embedded.binaries import find_installation

# A client whose backend runs a loop that ends long after the test.
BUSY = """
import asyncio, asyncpg, sys
async def main():
    connection = await asyncpg.connect(sys.argv[1], server_settings={"statement_timeout": "60s"})
    await connection.execute('DO $$ BEGIN LOOP END LOOP; END $$')
asyncio.run(main())
"""
IS_LOOPING = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'DO %LOOP%' AND state = 'active')"


@contextmanager
def as_server_account(home: Path, *command: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a program as the account that the server in `home` runs as."""
    account = choose_account(home)
    identity: dict[str, Any] = (
        {"user": account.uid, "group": account.gid, "extra_groups": []} if is_root() else {}
    )
    with subprocess.Popen(  # noqa: S603 - programs that the tests name
        command, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **identity
    ) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGQUIT)


def test_a_killed_server_is_started_again_at_the_same_address(home: Path) -> None:
    with EmbeddedPostgres(home) as server:
        dsn = server.dsn()
        execute(dsn, ROWS)
        killed = postmaster(home)
        os.kill(killed, signal.SIGKILL)
        assert fetch_when_back(dsn, SUM) == 500500
        assert postmaster(home) != killed
    assert not has_processes(home)


def test_a_backend_that_is_too_busy_to_see_its_server_die_does_not_stand_in_the_way(home: Path) -> None:
    with EmbeddedPostgres(home, settings=QUICK) as server, _busy_client(server.dsn()) as client:
        execute(server.dsn(), ROWS)
        wait_until(lambda: bool(fetch(server.dsn(), IS_LOOPING)))
        os.kill(postmaster(home), signal.SIGKILL)
        assert fetch_when_back(server.dsn(), SUM) == 500500
        assert client.wait(20) != 0


@contextmanager
def _busy_client(dsn: str) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-c", BUSY, dsn]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as client:  # noqa: S603 - the program above
        try:
            yield client
        finally:
            client.kill()


def test_a_server_that_keeps_dying_is_given_up(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), EmbeddedPostgres(home, settings=QUICK) as server:
        for _ in range(3):
            fetch_when_back(server.dsn(), "SELECT 1")
            os.kill(postmaster(home), signal.SIGKILL)
            wait_until(lambda: not (home / "server.json").exists())
        wait_until(lambda: "gone for good" in caplog.text)
        assert not server.is_owner
    assert caplog.text.count("starting again") == 2
    assert "keeps ending" in caplog.text
    with EmbeddedPostgres(home, settings=QUICK) as server:
        assert server.is_owner


def test_the_server_goes_with_its_killed_owner_and_the_next_start_has_every_row(home: Path) -> None:
    with holder(home) as other:
        dsn = other.hear()["dsn"]
        execute(dsn, ROWS)
        other.kill()
    wait_until(lambda: not has_processes(home))
    with EmbeddedPostgres(home, settings=QUICK) as server:
        assert server.dsn() == dsn
        assert fetch(dsn, SUM) == 500500


def test_a_start_right_after_killing_everything_has_every_row(home: Path) -> None:
    with holder(home) as other:
        execute(other.hear()["dsn"], ROWS)
        os.kill(postmaster(home), signal.SIGKILL)
        other.kill()
        with EmbeddedPostgres(home, settings=QUICK) as server:
            assert fetch(server.dsn(), SUM) == 500500


def test_a_forked_child_that_outlives_its_killed_parent_does_not_own_the_server(home: Path) -> None:
    with holder(home, "fork") as other:
        heard = other.hear()
        execute(heard["dsn"], ROWS)
        other.kill()
        os.kill(heard["child"], 0)
        with EmbeddedPostgres(home, settings=QUICK) as server:
            assert server.is_owner
            assert fetch(server.dsn(), SUM) == 500500


def test_a_process_that_has_got_the_dead_servers_number_is_no_obstacle(home: Path) -> None:
    with EmbeddedPostgres(home, settings=QUICK) as server:
        execute(server.dsn(), ROWS)
        stale = (home / "cluster/postmaster.pid").read_text().splitlines()
    with as_server_account(home, "sleep", "60") as stranger:
        stale[0] = str(stranger.pid)
        (home / "cluster/postmaster.pid").write_text("\n".join(stale) + "\n")
        (home / "sockets").mkdir()
        (home / "sockets/.s.PGSQL.5432.lock").write_text("\n".join(stale[:5]) + "\n")
        with EmbeddedPostgres(home, settings=QUICK) as server:
            assert fetch(server.dsn(), SUM) == 500500
        assert stranger.poll() is None


def test_a_server_that_somebody_else_started_on_the_data_is_left_alone(home: Path) -> None:
    program, cluster = str(find_installation().bin_dir / "postgres"), str(home / "cluster")
    options = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={cluster}"]
    with as_server_account(home, program, "-D", cluster, *options) as stranger:
        wait_until(lambda: "ready" in _text_of(home / "cluster/postmaster.pid"))
        with pytest.raises(EmbeddedPostgresError, match=f"process {stranger.pid}.* already runs"):
            EmbeddedPostgres(home, settings=QUICK).__enter__()
        assert stranger.poll() is None


def _text_of(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


def test_a_cluster_whose_making_was_killed_is_made_anew(empty_home: Path) -> None:
    with holder(empty_home) as other:
        wait_until((empty_home / "initdb/data/PG_VERSION").exists)
        other.kill()
    assert not (empty_home / "cluster").exists()
    with EmbeddedPostgres(empty_home, settings=QUICK) as server:
        assert fetch(server.dsn(), "SELECT count(*) FROM pg_database") == 3
    assert not (empty_home / "initdb").exists()


def test_data_of_another_major_version_are_refused(own_home: Path) -> None:
    (own_home / "cluster/PG_VERSION").write_text("14\n")
    with pytest.raises(EmbeddedPostgresError, match=r"written by PostgreSQL 14, .* install version 14"):
        EmbeddedPostgres(own_home, settings=QUICK).__enter__()
    assert (own_home / "cluster/PG_VERSION").read_text() == "14\n"


def test_a_directory_that_is_no_cluster_is_refused_and_not_touched(empty_home: Path) -> None:
    (empty_home / "cluster").mkdir()
    (empty_home / "cluster/letter.txt").write_text("mine")
    if is_root():
        os.chown(empty_home / "cluster", 65534, 65534)
    with pytest.raises(EmbeddedPostgresError, match="not a PostgreSQL data directory"):
        EmbeddedPostgres(empty_home, settings=QUICK).__enter__()
    assert (empty_home / "cluster/letter.txt").read_text() == "mine"


def test_a_lost_password_is_named(own_home: Path) -> None:
    (own_home / "password").unlink()
    with pytest.raises(EmbeddedPostgresError, match=r"password is missing: restore .*password"):
        EmbeddedPostgres(own_home, settings=QUICK).__enter__()
    assert not has_processes(own_home)
