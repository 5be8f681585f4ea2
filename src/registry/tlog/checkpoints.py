"""Checkpoints (c2sp.org/tlog-checkpoint): what a log says of itself, and signs."""

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from registry.tlog.notes import (
    ED25519,
    NoteError,
    NoteKey,
    VerifierKey,
    read_base64,
    sign_note,
    verify_note,
)
from registry.tlog.tiles import HASH_BYTES

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_LINES = 3


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The tree of the log named `origin` when it had `size` leaves."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode('ascii')}\n"

    def signed(self, keys: Sequence[NoteKey]) -> str:
        """The note that is published, signed by each key under the log's name."""
        return sign_note(self.text, self.origin, keys)


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of a checkpoint; extension lines are passed over. Raises NoteError."""
    lines = text.removesuffix("\n").split("\n")
    if len(lines) < _LINES or not all(lines) or not _SIZE.fullmatch(lines[1]):
        raise NoteError("a checkpoint is an origin, a size and a root")
    return Checkpoint(lines[0], int(lines[1]), read_hash(lines[2]))


def read_hash(text: str) -> bytes:
    """Read a hash as checkpoints and proofs write it. Raises NoteError."""
    data = read_base64(text)
    if len(data) != HASH_BYTES:
        raise NoteError("a hash is 32 bytes in base64")
    return data


def open_checkpoint(note: str, keys: Iterable[VerifierKey]) -> tuple[Checkpoint, list[VerifierKey]]:
    """A checkpoint that one of these keys of its log signed, and which did. Raises NoteError."""
    text, signed_by = verify_note(note, keys)
    checkpoint = parse_checkpoint(text)
    own = [key for key in signed_by if (key.name, key.kind) == (checkpoint.origin, ED25519)]
    if not own:
        raise NoteError("the checkpoint is signed, but not by its own log")
    return checkpoint, signed_by
