"""Integrate the log: number what was recorded, extend the tree, sign a checkpoint of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from registry.domain.errors import OperatorError
from registry.signing.keys import KeyRing
from registry.storage.database import Database, ReadSession
from registry.storage.locks import try_lock
from registry.storage.log import (
    StoredCheckpoint,
    add_checkpoint,
    add_entries,
    get_checkpoint,
    get_tiles,
    put_tiles,
    take_queued,
)
from registry.tlog.checkpoints import Checkpoint, open_checkpoint
from registry.tlog.merkle import leaf_hash
from registry.tlog.notes import NoteError, NoteKey, VerifierKey, parse_note
from registry.tlog.tiles import Tile, edge_tiles
from registry.tlog.tree import extend, root_hash

MAX_ENTRIES = 5_000
"""The most that one transaction takes: a tenth of a second's work."""


class LogRefusedError(OperatorError):
    """The log is not what it was when its last checkpoint was signed: nothing more is signed."""


@dataclass(frozen=True, slots=True)
class LogName:
    """What the log is called: `stated` by the operator, or else `derived` when it begins, and kept."""

    stated: str | None
    derived: str


@dataclass(frozen=True, slots=True)
class Integrated:
    """How many entries were integrated, and the newest checkpoint, signed; None where another is at it."""

    count: int
    note: str | None


async def integrate_log(
    database: Database,
    keys: KeyRing,
    name: LogName,
    *,
    now: datetime,
    witness: str | None = None,
    limit: int = MAX_ENTRIES,
) -> Integrated:
    """Take what waits, at most `limit` entries, into the tree, and sign a checkpoint of it: all or nothing.

    One transaction under a lock: of several that try, one does it, the others return at once. A checkpoint is
    also signed where there is none yet, and where the newest lacks a key that signs by now. `witness` is a
    checkpoint that was seen outside the database. Raises LogRefusedError where the tree does not lead from
    the newest checkpoint, or from the witness's, and where there is no key; UnavailableError.
    """
    async with database.transaction() as session:
        if not await try_lock(session, "log"):
            return Integrated(0, None)
        last = await get_checkpoint(session)
        signers = _signers(keys, now)
        size = 0 if last is None else last.size
        tiles = await get_tiles(session, edge_tiles(size))
        origin = name.stated or name.derived
        if last is not None:
            origin = _check_last(last, tiles, keys, name)
        if witness is not None:
            await _check_witness(session, witness, keys.log_verifiers(origin), size)
        queued = await take_queued(session, limit)
        if last is not None and not queued and _is_signed(last.note, origin, signers):
            return Integrated(0, last.note)
        written = [entry.to_bytes() for entry in queued]
        changed = extend(tiles, size, [leaf_hash(entry) for entry in written])
        grown = _grow(tiles, changed, last)
        checkpoint = Checkpoint(origin, size + len(queued), root_hash(grown, size + len(queued)))
        note = checkpoint.signed(signers)
        if queued:
            await add_entries(session, size, queued, written)
            await put_tiles(session, changed)
        await add_checkpoint(session, 0 if last is None else last.number + 1, checkpoint, note)
    return Integrated(len(queued), note)


def _signers(keys: KeyRing, now: datetime) -> tuple[NoteKey, ...]:
    signers = keys.log_signers(now)
    if not signers:
        raise LogRefusedError("The key file has no log key: make one with `registry keys rotate --log`.")
    return signers


def _check_last(last: StoredCheckpoint, tiles: Mapping[Tile, bytes], keys: KeyRing, name: LogName) -> str:
    """The log's name, where the newest checkpoint is our own and the tiles lead to it."""
    try:
        origin = parse_note(last.note).text.partition("\n")[0]
        checkpoint, _ = open_checkpoint(last.note, keys.log_verifiers(origin))
        root = root_hash(tiles, last.size)
    except (NoteError, KeyError, ValueError) as error:
        raise LogRefusedError(f"The log's newest checkpoint does not verify: {error}.") from error
    if (checkpoint.size, checkpoint.root) != (last.size, root) or root != last.root:
        raise LogRefusedError("The tiles do not lead to the root that the newest checkpoint states.")
    if name.stated not in {None, origin}:
        raise LogRefusedError(f"The log is named {origin}, and stays so: set REGISTRY_LOG_ORIGIN to that.")
    return origin


async def _check_witness(session: ReadSession, witness: str, keys: Sequence[VerifierKey], size: int) -> None:
    """Refuse to go on where the witness has seen what the database does not hold."""
    try:
        seen, _ = open_checkpoint(witness, keys)
    except NoteError as error:
        raise LogRefusedError(f"The witness file holds no checkpoint of this log: {error}.") from error
    if seen.size > size:
        raise LogRefusedError(
            f"The database is older than a checkpoint that was signed: its log has {size:,} entries, the "
            f"witness has seen {seen.size:,}. Restore the newest state; nothing is signed until then."
        )
    tiles = await get_tiles(session, edge_tiles(seen.size))
    try:
        is_same = root_hash(tiles, seen.size) == seen.root
    except (KeyError, ValueError):
        is_same = False
    if not is_same:
        raise LogRefusedError("The log has another history than the one that the witness has seen.")


def _is_signed(note: str, origin: str, signers: tuple[NoteKey, ...]) -> bool:
    lines = parse_note(note).signatures
    return all(any(line.is_by(key.verifier(origin)) for line in lines) for key in signers)


def _grow(
    tiles: Mapping[Tile, bytes], changed: Mapping[Tile, bytes], last: StoredCheckpoint | None
) -> dict[Tile, bytes]:
    """The tiles of the grown tree. That they still lead to the last root is computed anew, not believed."""
    grown = {**tiles, **changed}
    if last is not None and root_hash(grown, last.size) != last.root:
        raise LogRefusedError("The grown tree would contradict the newest checkpoint.")
    return grown
