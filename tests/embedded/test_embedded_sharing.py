"""One process owns the server, others use it, and one of them takes over."""

from contextlib import ExitStack
from pathlib import Path

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
from registry.embedded import EmbeddedPostgres


def test_a_second_process_uses_the_first_ones_server_and_never_stops_it(home: Path) -> None:
    with EmbeddedPostgres(home, settings=QUICK) as server:
        execute(server.dsn(), ROWS)
        before = postmaster(home)
        with holder(home) as other:
            heard = other.hear()
            assert heard["dsn"] == server.dsn()
            assert not heard["is_owner"]
            assert fetch(heard["dsn"], SUM) == 500500
            other.leave()
        with holder(home) as other:
            assert not other.hear()["is_owner"]
            other.kill()
        assert fetch(server.dsn(), SUM) == 500500
        assert postmaster(home) == before
        assert server.is_owner


def test_a_second_use_in_the_same_process_shares_the_server(home: Path) -> None:
    with EmbeddedPostgres(home, settings=QUICK) as server:
        with EmbeddedPostgres(home) as second:
            assert (server.is_owner, second.is_owner) == (True, False)
            assert second.dsn() == server.dsn()
        assert fetch(server.dsn(), "SELECT 1") == 1


def test_a_user_takes_over_when_the_owner_is_killed(home: Path) -> None:
    with holder(home) as owner:
        dsn = owner.hear()["dsn"]
        execute(dsn, ROWS)
        with EmbeddedPostgres(home, settings=QUICK) as server:
            assert not server.is_owner
            owner.kill()
            wait_until(lambda: server.is_owner)
            assert server.dsn() == dsn
            assert fetch_when_back(dsn, SUM) == 500500
    assert not has_processes(home)


def test_a_user_takes_over_when_the_owner_leaves(home: Path) -> None:
    with holder(home) as owner:
        dsn = owner.hear()["dsn"]
        execute(dsn, ROWS)
        with holder(home) as user:
            assert not user.hear()["is_owner"]
            owner.leave()
            assert fetch_when_back(dsn, SUM) == 500500
            assert user.ask()["is_owner"]
            user.leave()
    assert not has_processes(home)


def test_of_many_that_start_at_once_one_makes_the_cluster_and_owns_the_server(empty_home: Path) -> None:
    with ExitStack() as stack:
        others = [stack.enter_context(holder(empty_home)) for _ in range(4)]
        heard = [other.hear() for other in others]
        assert sorted(each["is_owner"] for each in heard) == [False, False, False, True]
        assert len({each["dsn"] for each in heard}) == 1
        assert fetch(heard[0]["dsn"], "SELECT 1") == 1
        for other in others:
            other.kill()
    wait_until(lambda: not has_processes(empty_home))
