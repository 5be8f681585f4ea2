"""Damaging stored rows as a superuser who has switched every guard off, one bit or one row at a time."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import orjson
from sqlalchemy import Integer, SmallInteger

from registry.storage.tables import metadata

EPOCH = datetime.fromisoformat("2000-01-01T00:00:00Z")


@dataclass(frozen=True)
class Place:
    """One column of one stored row. `key` is the row's whole primary key as text."""

    table: str
    column: str
    key: dict[str, str]
    value: Any

    @property
    def row(self) -> str:
        """The row as a finding names it."""
        return row_name(self.key)


def row_name(key: dict[str, str]) -> str:
    return "/".join(text for name, text in key.items() if name not in {"recorded_at", "at"})


async def unguarded(url: str) -> asyncpg.Connection:
    """A superuser's connection on which triggers and foreign keys do not fire."""
    connection = await asyncpg.connect(url, server_settings={"timezone": "UTC"})
    await connection.execute("SET session_replication_role = replica")
    return connection


async def list_keys(connection: asyncpg.Connection, table: str) -> list[dict[str, str]]:
    names = [column.name for column in metadata.tables[table].primary_key]
    columns = ", ".join(f"{name}::text" for name in names)
    rows = await connection.fetch(f"SELECT {columns} FROM {table} ORDER BY {', '.join(names)}")  # noqa: S608  # our own names
    return [dict(row) for row in rows]


async def list_places(connection: asyncpg.Connection, table: str, *, empty: bool = False) -> list[Place]:
    """Every column that holds something, of every row; or every one that is NULL."""
    found = []
    for key in await list_keys(connection, table):
        row = await connection.fetchrow(f"SELECT * FROM {table} WHERE {_where(key)}", *key.values())  # noqa: S608  # as above
        found += [Place(table, name, key, value) for name, value in row.items() if (value is None) is empty]
    return found


@asynccontextmanager
async def without(connection: asyncpg.Connection, table: str, key: dict[str, str]) -> AsyncIterator[None]:
    """Take a row out, and put it back."""
    saved = await _save(connection, table, key)
    await connection.execute(f"DELETE FROM {table} WHERE {_where(key)}", *key.values())  # noqa: S608  # as above
    try:
        yield
    finally:
        await _put_back(connection, table, saved)


@asynccontextmanager
async def flipped(
    connection: asyncpg.Connection, place: Place, rng: random.Random
) -> AsyncIterator[dict[str, str]]:
    """Flip one bit (or its like) of a value, give the row's key as it then is, and put it back."""
    saved = await _save(connection, place.table, place.key)
    key = await _flip(connection, place, rng)
    try:
        yield key
    finally:
        await connection.execute(f"DELETE FROM {place.table} WHERE {_where(key)}", *key.values())  # noqa: S608  # as above
        await _put_back(connection, place.table, saved)


@asynccontextmanager
async def changed(connection: asyncpg.Connection, place: Place, value: object) -> AsyncIterator[None]:
    """Put another value into a column that is no key, and the old one back."""
    statement = f"UPDATE {place.table} SET {place.column} = $1 WHERE {_where(place.key, first=2)}"  # noqa: S608  # as above
    await connection.execute(statement, value, *place.key.values())
    try:
        yield
    finally:
        await connection.execute(statement, place.value, *place.key.values())


async def _flip(connection: asyncpg.Connection, place: Place, rng: random.Random) -> dict[str, str]:
    where = _where(place.key, first=2)
    if isinstance(place.value, datetime):
        # Beyond the years that Python knows, too: a PostgreSQL time is microseconds in 64 bits.
        microseconds = round((place.value - EPOCH).total_seconds() * 1_000_000)
        bit = 1 << rng.randrange(63)
        value: Any = float(-bit if microseconds & bit else bit)
        change = f"{place.column} + $1 * interval '1 microsecond'"
    else:
        value, change = flip(place, rng), "$1"
    names = ", ".join(f"{name}::text" for name in place.key)
    changed = await connection.fetch(
        f"UPDATE {place.table} SET {place.column} = {change} WHERE {where} RETURNING {names}",  # noqa: S608  # as above
        value,
        *place.key.values(),
    )
    assert len(changed) == 1
    return dict(changed[0])


def flip(place: Place, rng: random.Random) -> Any:  # noqa: ANN401  # whatever the column holds
    """The value with one bit of it changed; of text, one bit of one character."""
    value = place.value
    column = metadata.tables[place.table].c[place.column]
    match value:
        case bool():
            return not value
        case bytes():
            data = bytearray(value)
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            return bytes(data)
        case UUID():
            return UUID(int=value.int ^ (1 << rng.randrange(128)))
        case int():
            bits = 16 if isinstance(column.type, SmallInteger) else 32
            assert isinstance(column.type, Integer)
            whole = (value ^ (1 << rng.randrange(bits))) & ((1 << bits) - 1)
            return whole - (1 << bits) if whole >> (bits - 1) else whole
        case list():
            empty = b"x" if place.column == "organisation_indexes" else "x"
            return [*value[:-1], _flip_item(value[-1], rng)] if value else [empty]
        case str() if place.column in {"content", "changes"}:
            return orjson.dumps(_flip_leaf(orjson.loads(value), rng)).decode()
        case str() if place.column == "status":
            return rng.choice(sorted({"draft", "published", "retired"} - {value}))
        case str():
            return _flip_text(value, rng)
    raise AssertionError(place.column)


def _flip_item(item: UUID | str | bytes, rng: random.Random) -> UUID | str | bytes:
    if isinstance(item, bytes):
        return item[:-1] + bytes([item[-1] ^ (1 << rng.randrange(8))])
    return UUID(int=item.int ^ (1 << rng.randrange(128))) if isinstance(item, UUID) else _flip_text(item, rng)


def _flip_text(text: str, rng: random.Random) -> str:
    if not text:
        return "x"
    position = rng.randrange(len(text))
    char = chr(ord(text[position]) ^ (1 << rng.randrange(6)))
    return text[:position] + (char if char != "\0" else "\1") + text[position + 1 :]


def _flip_leaf(value: Any, rng: random.Random) -> Any:  # noqa: ANN401  # any JSON
    match value:
        case dict() if value:
            name = rng.choice(sorted(value))
            return value | {name: _flip_leaf(value[name], rng)}
        case list() if value:
            position = rng.randrange(len(value))
            return [*value[:position], _flip_leaf(value[position], rng), *value[position + 1 :]]
        case bool():
            return int(value)
        case int():
            return value ^ 1
        case str():
            return _flip_text(value, rng)
        case None:
            return 0
        case _:
            return [*value, "x"] if isinstance(value, list) else {"x": 1}


async def _save(connection: asyncpg.Connection, table: str, key: dict[str, str]) -> str:
    """Copy a row to a table of this session's; give that table's name."""
    name = f"pg_temp.saved_{uuid4().hex}"
    literal = " AND ".join(f"{column}::text = '{text}'" for column, text in key.items())
    await connection.execute(f"CREATE TABLE {name} AS SELECT * FROM {table} WHERE {literal}")  # noqa: S608  # as above
    return name


async def _put_back(connection: asyncpg.Connection, table: str, saved: str) -> None:
    await connection.execute(f"INSERT INTO {table} SELECT * FROM {saved}")  # noqa: S608  # as above
    await connection.execute(f"DROP TABLE {saved}")


def _where(key: dict[str, str], *, first: int = 1) -> str:
    return " AND ".join(f"{name}::text = ${number}" for number, name in enumerate(key, first))
