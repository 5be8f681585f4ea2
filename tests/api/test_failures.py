"""When the registry itself fails: no detail to the caller, nothing personal in the log, when to try again."""

import pytest

from conftest import CloneDatabase, opened, run_sql
from factories import BERI, World, mandate_body, question, template_body
from problem_documents import assert_names_nobody, assert_problem
from registry.signing.keys import KeyRing


async def test_an_unforeseen_failure_tells_nothing(
    clone_database: CloneDatabase, keys: KeyRing, capsys: pytest.CaptureFixture[str]
) -> None:
    url = await clone_database()
    async with opened(url) as database:
        world = World(database, keys)
        owner = await world.organisation()
        template = await world.publish_template(owner)
        signed = await world.sign(owner, mandate_body(template), BERI)
        await run_sql(
            url,
            "ALTER TABLE representations RENAME TO elsewhere",
            "ALTER TABLE template_versions RENAME COLUMN search_text TO gone",
        )
        capsys.readouterr()
        for call in (
            owner.post("/v1/verifications", question(owner)),
            owner.post("/v1/verifications/batch", {"questions": [question(owner)]}),
            owner.post("/v1/mandates", signed),
            owner.get("/v1/templates", q="word"),
            owner.post("/v1/templates", template_body(owner)),
        ):
            response = await call
            problem = assert_problem(response, 500, "internal-error")
            assert set(problem) == {"type", "title", "status", "detail", "instance", "request_id"}
            assert problem["detail"] == "Something went wrong here: report the request id."
            log = capsys.readouterr().out
            assert problem["request_id"] in log
            assert_names_nobody(log)
            for detail in ("representations", "search_text", "Beri", "word", "SELECT"):
                assert detail not in response.text
                assert detail not in log
        assert (await owner.get("/live")).status_code == 200


async def test_lost_connections_are_a_time_to_try_again(clone_database: CloneDatabase, keys: KeyRing) -> None:
    url = await clone_database()
    async with opened(url) as database:
        world = World(database, keys)
        owner = await world.organisation()
        await world.publish_template(owner)
        await owner.post("/v1/verifications", question(owner))
        await run_sql(
            url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        statuses = []
        for _ in range(10):
            for response in (
                await owner.get("/v1/templates"),
                await owner.post("/v1/verifications", question(owner)),
            ):
                statuses.append(response.status_code)
                if response.status_code != 200:
                    assert_problem(response, 503, "unavailable")
                    assert response.headers["retry-after"] == "1"
        assert set(statuses) <= {200, 503}
        assert statuses[-2:] == [200, 200]


async def test_the_operator_reads_why_there_was_no_answer(
    clone_database: CloneDatabase, keys: KeyRing, capsys: pytest.CaptureFixture[str]
) -> None:
    url = await clone_database()
    async with opened(url) as database:
        world = World(database, keys)
        owner = await world.organisation()
        await run_sql(url, "REVOKE INSERT ON access_log FROM registry_app")
        await owner.post("/v1/verifications", question(owner))
        capsys.readouterr()
        for call in (
            owner.post("/v1/verifications", question(owner)),
            owner.post("/v1/verifications/batch", {"questions": [question(owner)]}),
        ):
            problem = assert_problem(await call, 503, "unavailable")
            log = capsys.readouterr().out
            assert "InsufficientPrivilegeError" in log
            assert problem["request_id"] in log
            assert_names_nobody(log)
            assert "InsufficientPrivilege" not in str(problem)
