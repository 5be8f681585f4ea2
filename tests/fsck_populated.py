"""A database of one's own with a small registry in it, and a superuser's way past every guard."""

from dataclasses import dataclass

import asyncpg

from registry.fsck import Report, check_database
from registry.signing.keys import KeyRing
from registry.storage.database import Database


@dataclass(frozen=True)
class Populated:
    """The registry under check. Every test leaves it as it was."""

    database: Database
    keys: KeyRing
    root: asyncpg.Connection

    async def check(self) -> Report:
        return await check_database(self.database, self.keys, jobs=1)
