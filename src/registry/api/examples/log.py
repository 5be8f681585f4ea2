"""Examples for the transparency log: one with a single entry."""

from uuid import UUID

from registry.api.examples.parts import MANDATE_ID, Example
from registry.tlog.checkpoints import Checkpoint
from registry.tlog.entries import LogEntry
from registry.tlog.merkle import leaf_hash
from registry.tlog.notes import NoteKey
from registry.tlog.tiles import pack_entries

ORIGIN = "registry.example/log"
KEY = NoteKey(bytes(32))
ENTRY = LogEntry("mandate", UUID(MANDATE_ID), 0, bytes(32)).to_bytes()
CHECKPOINT = Checkpoint(ORIGIN, 1, leaf_hash(ENTRY)).signed([KEY])

EXAMPLES = {
    "newest_checkpoint": Example(CHECKPOINT),
    # JSON has no bytes: here each is the character with its number.
    "entries_of_the_log": Example(pack_entries([ENTRY]).decode("latin-1"), parameters={"tile": "000.p/1"}),
    "a_tile_of_the_log": Example(
        leaf_hash(ENTRY).decode("latin-1"), parameters={"level": "0", "tile": "000.p/1"}
    ),
}
