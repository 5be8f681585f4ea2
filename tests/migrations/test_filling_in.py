"""What a migration fills in for rows of before is what the application writes for new ones."""

from datetime import timedelta

from alembic.script import ScriptDirectory

from conftest import CloneDatabase, opened, run_sql
from factories import PAUL, World, person
from registry.domain.documents import utc_text
from registry.signing.keys import KeyRing
from registry.storage.migrations import migrations_config
from telling import done

FILLED = "SELECT t::text AS row FROM {} AS t ORDER BY 1"


async def test_timers_and_open_uses_of_before(clone_database: CloneDatabase, keys: KeyRing) -> None:
    url = await clone_database()
    scripts = ScriptDirectory.from_config(migrations_config("postgresql://unused"))
    async with opened(url) as database:
        world = World(database, keys)
        owner = await world.organisation()
        terms = {"specifiers": ["property"], "validity": {"open_ended": True}}
        warned = await world.publish_template(owner, expiry_warning_days=[7, 30], **terms)
        plain = await world.publish_template(owner, **terms)
        for number, (template, days) in enumerate(((warned, 365), (warned, 20), (warned, 3), (plain, 20))):
            until = utc_text(world.clock() + timedelta(days=days))
            await world.issue(owner, template, specifier={"property": f"1:{number}"}, valid_until=until)
        endless = await world.issue(owner, warned, specifier={"property": "2:1"}, valid_until=None)
        ended = await world.issue(owner, warned, specifier={"property": "2:2"})
        use = {"permission": "apply", "case_ref": "A-1", "by": person(PAUL, None)}
        await done(owner, f"/v1/mandates/{endless['id']}/uses", use)
        await done(owner, f"/v1/mandates/{ended['id']}/revocation", {"by": "third_party", "reason": "over"})
        tables = ("mandate_timers", "open_uses")
        written = [await database.fetch_hot(FILLED.format(table)) for table in tables]
        assert [len(rows) for rows in written] == [4, 1]
        await run_sql(url, *(f"DELETE FROM {table}" for table in tables))  # noqa: S608  # the names above
        await run_sql(url, scripts.get_revision("20261122_events").module.BACKFILL)
        assert [await database.fetch_hot(FILLED.format(table)) for table in tables] == written
