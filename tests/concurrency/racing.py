"""Two processes over one database, for races between them."""

from dataclasses import dataclass

from factories import Json, Organisation, World


@dataclass(frozen=True)
class Race:
    """Two processes, and the same client's connection to each."""

    url: str
    worlds: tuple[World, World]
    clients: tuple[Organisation, Organisation]

    @property
    def world(self) -> World:
        return self.worlds[0]

    @property
    def owner(self) -> Organisation:
        return self.clients[0]

    def client(self, number: int) -> Organisation:
        """One of the two, in turn."""
        return self.clients[number % 2]

    async def mandate(self, **template: object) -> Json:
        """A mandate of the owner on a template with these terms."""
        return await self.world.issue(self.owner, await self.world.publish_template(self.owner, **template))

    async def count(self, table: str, condition: str = "true") -> int:
        rows = await self.world.database.fetch_hot(f"SELECT count(*) AS n FROM {table} WHERE {condition}")  # noqa: S608  # the tests' own
        return int(rows[0]["n"])
