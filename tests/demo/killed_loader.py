"""Loads the demo and kills its own process, as kill -9 does, instead of making the given commit."""

import asyncio
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, event

from registry.demo.loader import load_demo
from registry.demo.trusted import trusted_demo_issuers
from registry.identity.issuers import index_issuers
from registry.signing.keys import load_key_ring
from registry.storage.database import open_database


async def main(url: str, keys: str, fatal_commit: int) -> None:
    database = await open_database(url, pool_size=4, hot_pool_size=1)
    left = fatal_commit

    def count_down(connection: Connection) -> None:
        nonlocal left
        if connection.get_execution_options().get("postgresql_readonly"):
            return
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(database.engine.sync_engine, "commit", count_down)
    issuers = index_issuers(trusted_demo_issuers())
    await load_demo(database, load_key_ring(Path(keys)), issuers, now=datetime.now(UTC))
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
