"""The models, of which statements are made, and the migrations, of which tables are made, say the same."""

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from database_catalogue import TABLES, read_catalogue
from registry.storage.database import migration_engine
from registry.storage.migrations import migrations_config
from registry.storage.revision import NEWEST_REVISION
from registry.storage.tables import PARTITIONED_TABLES, metadata


async def test_alembic_finds_no_difference(database_url: str) -> None:
    engine = migration_engine(database_url)
    async with engine.connect() as connection:
        differences = await connection.run_sync(_compare)
    await engine.dispose()
    assert differences == []


def _compare(connection: Connection) -> list[object]:
    partitions = set(connection.scalars(text("SELECT relname FROM pg_class WHERE relispartition")))
    assert len(partitions) >= len(PARTITIONED_TABLES)
    options = {
        "compare_type": True,
        "compare_server_default": True,
        # Partitions come with time: models declare their parents alone.
        "include_name": lambda name, kind, _parents: kind != "table" or name not in partitions,
    }
    context = MigrationContext.configure(connection, opts=options)
    found: list[object] = compare_metadata(context, metadata)
    return found


async def test_tables_made_of_the_models_are_the_same(database_url: str, fresh_database: str) -> None:
    """Also where Alembic does not look: keys, checks, partitioning, the order of columns."""
    engine = migration_engine(fresh_database)
    async with engine.begin() as connection:
        await connection.execute(text("CREATE EXTENSION pg_trgm"))
        await connection.run_sync(metadata.create_all)
    await engine.dispose()
    modelled = await read_catalogue(fresh_database, *TABLES)
    migrated = await read_catalogue(database_url, *TABLES, partitions=False)
    for kind in TABLES:
        assert modelled[kind] == migrated[kind], kind


def test_the_code_names_the_newest_revision() -> None:
    scripts = ScriptDirectory.from_config(migrations_config("postgresql://unused"))
    assert scripts.get_heads() == [NEWEST_REVISION]
