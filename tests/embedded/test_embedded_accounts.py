"""Which account the server runs as, where the data go, and which programs are used.

The tests hold for root and for any other user: what differs is what they expect.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from embedded_servers import QUICK, ROWS, SUM, execute, fetch, holder
from registry.embedded import EmbeddedPostgres, EmbeddedPostgresError
from registry.embedded.accounts import Account, choose_account, is_root
from registry.embedded.binaries import find_installation, installations
from registry.embedded.places import settle
from registry.embedded.private_files import lock

NOBODY = 65534
SOURCES = Path(__file__).parents[2] / "src"


def user_of_server(home: Path) -> int:
    """Tell who owns a file that the running server has made for itself."""
    return (home / "cluster/postmaster.pid").stat().st_uid


def test_the_server_has_an_account_without_rights(home: Path) -> None:
    with EmbeddedPostgres(home, settings=QUICK):
        user = user_of_server(home)
        assert user != 0
        assert user == (home / "cluster").stat().st_uid
        assert (home / "password").stat().st_uid == os.geteuid()


def test_data_keep_the_account_that_owns_them(own_home: Path) -> None:
    owner = choose_account(own_home)
    if is_root():
        owner = Account(NOBODY, NOBODY)
        for path in (own_home / "cluster", *(own_home / "cluster").rglob("*")):
            os.chown(path, owner.uid, owner.gid)
    assert choose_account(own_home) == owner
    with EmbeddedPostgres(own_home, settings=QUICK) as server:
        assert user_of_server(own_home) == owner.uid
        assert fetch(server.dsn(), "SELECT 1") == 1


def test_data_below_a_closed_directory_lie_where_the_server_can_go(empty_home: Path) -> None:
    closed = empty_home / "closed"
    closed.mkdir(mode=0o700)
    requested = closed / "checkout" / "data"
    with EmbeddedPostgres(requested, settings=QUICK) as server:
        used = server.data_dir
        execute(server.dsn(), ROWS)
    try:
        assert (used != requested) == is_root()
        assert not used.parent.stat().st_mode & 0o022
        if is_root():
            assert (requested / "location").read_text() == f"{used}\n"
            assert (used / "origin").read_text() == f"{requested}\n"
        with EmbeddedPostgres(requested, settings=QUICK) as server:
            assert server.data_dir == used
            assert fetch(server.dsn(), SUM) == 500500
    finally:
        shutil.rmtree(used)
    assert closed.stat().st_mode & 0o777 == 0o700


def test_temporary_data_are_deleted_with_the_directory_that_was_asked_for(empty_home: Path) -> None:
    closed = empty_home / "closed"
    closed.mkdir(mode=0o700)
    gone, used, third = (settle(closed / name).home for name in ("gone", "used", "third"))
    in_use = lock(used / "owner.lock")
    assert in_use is not None
    for name in ("gone", "used"):
        shutil.rmtree(closed / name)
    settle(closed / "third")
    assert not gone.exists()
    assert third.exists()
    assert used.exists() == is_root()
    os.close(in_use)
    settle(closed / "third")
    assert not used.exists()
    shutil.rmtree(third)


def test_missing_directories_are_made_passable_whatever_the_umask(empty_home: Path) -> None:
    empty_home.chmod(0o711)
    requested = empty_home / "state" / "postgres"
    umask = os.umask(0o077)
    try:
        with EmbeddedPostgres(requested, settings=QUICK) as server:
            assert server.data_dir == requested
            assert fetch(server.dsn(), "SELECT 1") == 1
    finally:
        os.umask(umask)


def test_programs_below_a_closed_directory_are_copied_for_the_server(
    own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = find_installation().package
    assert package is not None
    site = tmp_path / "closed"
    site.mkdir(mode=0o700)
    for source in (package, package.with_name(f"{package.name}.libs")):
        if source.is_dir():
            shutil.copytree(source, site / source.name, ignore=shutil.ignore_patterns("include"))
    monkeypatch.syspath_prepend(str(site))
    assert find_installation().bin_dir.is_relative_to(site)
    copies = []
    for _ in range(2):
        with EmbeddedPostgres(own_home, settings=QUICK) as server:
            assert fetch(server.dsn(), "SELECT to_tsvector('swedish', 'fullmakterna')::text") == "'fullmak':1"
        copies.append([path.name for path in own_home.glob("binaries*")])
    assert copies[0] == copies[1]
    assert len(copies[0]) == (1 if is_root() else 0)


def test_a_user_without_rights_runs_it_too(empty_home: Path) -> None:
    """Root's own run shows nothing of this: there the test becomes `nobody` first."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join([str(SOURCES), *sys.path])}
    user, python = None, sys.executable
    if is_root():
        user = NOBODY
        os.chown(empty_home, NOBODY, NOBODY)
        python = _python_for(Account(NOBODY, NOBODY), environment)
    with holder(empty_home, python=[python], env=environment, user=user) as other:
        heard = other.hear()
        assert heard["data_dir"] == str(empty_home)
        assert user_of_server(empty_home) == (NOBODY if is_root() else os.geteuid())
        execute(heard["dsn"], ROWS)
        other.leave()
    # Whoever comes next, the data stay that user's and remain usable to it.
    with EmbeddedPostgres(empty_home, settings=QUICK) as server:
        assert fetch(server.dsn(), SUM) == 500500
    with holder(empty_home, python=[python], env=environment, user=user) as other:
        assert fetch(other.hear()["dsn"], SUM) == 500500
        other.leave()


def _python_for(account: Account, environment: dict[str, str]) -> str:
    """Find a Python that the account can run and that can load this project's libraries."""
    for python in (sys.executable, "/usr/local/bin/python3", "/usr/bin/python3"):
        if not (Path(python).exists() and account.may_run(Path(python).resolve())):
            continue
        tried = subprocess.run(  # noqa: S603 - a Python found here
            [python, "-c", "import registry.embedded"],
            env=environment,
            user=account.uid,
            group=account.gid,
            extra_groups=[],
            cwd="/",
            check=False,
            capture_output=True,
        )
        if tried.returncode == 0:
            return python
    pytest.skip("no Python and sources on this machine that an unprivileged account can reach")


def test_data_of_another_user_are_refused_without_roots_rights(own_home: Path) -> None:
    if is_root():
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join([str(SOURCES), *sys.path])}
        python = _python_for(Account(NOBODY, NOBODY), environment)
        with holder(own_home, python=[python], env=environment, user=NOBODY) as other:
            assert "Permission denied" in other.hear()["error"]
    else:
        own_home.chmod(0o500)
        (own_home / "owner.lock").chmod(0)
        with pytest.raises(EmbeddedPostgresError, match="Permission denied"):
            EmbeddedPostgres(own_home, settings=QUICK).__enter__()
        own_home.chmod(0o700)


def test_without_the_wheel_the_systems_postgresql_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    known = list(installations())
    system = [found for found in known if found.package is None]
    assert [found.package is None for found in known] == sorted(found.package is None for found in known)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if "packages" not in path])
    if system:
        assert find_installation() == system[0]
    else:
        with pytest.raises(EmbeddedPostgresError, match="or the system's PostgreSQL server"):
            find_installation()


def test_programs_that_are_too_old_or_no_server_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedPostgresError, match="no programs `postgres` and `initdb`"):
        find_installation(tmp_path)
    for name in ("postgres", "initdb"):
        (tmp_path / name).write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 14.9'\n")
        (tmp_path / name).chmod(0o755)
    with pytest.raises(EmbeddedPostgresError, match="holds PostgreSQL 14; 15 or later is needed"):
        find_installation(tmp_path)
