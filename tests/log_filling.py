"""Records for the log by the hundred, as the triggers would queue them, and integrating them."""

from uuid import UUID

from sqlalchemy import insert

from factories import World
from registry.operations.integrate_log import Integrated, LogName, integrate_log
from registry.storage.database import Database
from registry.storage.tables import log_queue

NAME = LogName(None, "log.example/1")


async def queue(database: Database, count: int, *, start: int = 0) -> None:
    """Queue so many entries, numbered from `start`."""
    rows = [
        {"kind": "mandate", "subject_id": UUID(int=number), "number": 0, "commitment": number.to_bytes(32)}
        for number in range(start, start + count)
    ]
    async with database.transaction() as session:
        await session.execute(insert(log_queue), rows)


async def integrate(world: World, **options: object) -> Integrated:
    """Integrate what waits, with the world's keys and clock."""
    return await integrate_log(
        world.database,
        world.keys,
        NAME,
        now=world.clock(),
        **options,  # type: ignore[arg-type]  # as given
    )
