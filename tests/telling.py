"""What tests of events do again and again: let everything be told, and read a feed to its end."""

from typing import Any

from factories import BERI, Json, Organisation, World, person
from registry.operations.fire_timers import fire_timers
from registry.operations.sequence_events import sequence_events


async def tell(world: World) -> None:
    """Do as the worker does, until nothing is left to be told now."""
    await fire_timers(world.database, world.keys, now=world.clock())
    while (await sequence_events(world.database, now=world.clock())).has_more:
        pass


async def read_page(reader: Organisation, cursor: str = "", **parameters: Any) -> Json:  # noqa: ANN401  # of the query
    """One answer of the feed."""
    answer = await reader.get("/v1/events", after=cursor, **parameters)
    assert answer.status_code == 200, answer.text
    document: Json = answer.json()
    return document


async def read_feed(reader: Organisation, cursor: str = "", **parameters: Any) -> list[Json]:  # noqa: ANN401  # as above
    """Every event that there is after a cursor, page by page."""
    found: list[Json] = []
    while True:
        page = await read_page(reader, cursor, **parameters)
        if not page["items"] and page["next"] == cursor:
            return found
        found += page["items"]
        cursor = page["next"]


async def end_of(reader: Organisation) -> str:
    """The cursor after everything that has been told."""
    cursor = ""
    while (page := await read_page(reader, cursor))["next"] != cursor:
        cursor = page["next"]
    return cursor


def types_of(events: list[Json]) -> list[str]:
    return [event["type"] for event in events]


def matter(representative: Json) -> Json:
    """A matter of Beri's that waits for this representative."""
    return {
        "principal": person(BERI, None),
        "representative": representative,
        "permission": "apply",
        "title": "A matter",
        "content_digest": "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU",
        "deadline": "2027-12-01T00:00:00Z",
    }


async def done(owner: Organisation, address: str, body: Json, **headers: str) -> Json:
    """Act, and give the answer."""
    answer = await owner.post(address, body, **headers)
    assert answer.is_success, answer.text
    document: Json = answer.json()
    return document
