"""Look up the transparency log: its newest checkpoint, its tiles, its entries, as they are published."""

from registry.domain.errors import NotFoundError
from registry.storage.database import Database
from registry.storage.log import get_checkpoint, get_tiles, list_entries
from registry.tlog.tiles import HASH_BYTES, WIDTH, Tile, TileAddress, pack_entries


async def get_checkpoint_note(database: Database) -> str:
    """The newest checkpoint, signed. Raises NotFoundError before the first, UnavailableError."""
    async with database.reading() as session:
        checkpoint = await get_checkpoint(session)
    if checkpoint is None:
        raise NotFoundError("The log has no checkpoint yet: a worker signs the first one.")
    return checkpoint.note


async def get_tile(database: Database, address: TileAddress) -> bytes:
    """A tile or a bundle of entries, of just the width asked for.

    A narrower one stays the beginning of what it has grown into. Raises NotFoundError, UnavailableError.
    """
    async with database.reading() as session:
        if address.level is None:
            entries = await list_entries(session, address.index * WIDTH, address.width)
            width, data = len(entries), pack_entries(entries)
        else:
            tile = Tile(address.level, address.index)
            data = (await get_tiles(session, [tile])).get(tile, b"")[: address.width * HASH_BYTES]
            width = len(data) // HASH_BYTES
    if width != address.width:
        raise NotFoundError("The log has no such tile, or not of this width yet.")
    return data
