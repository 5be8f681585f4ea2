"""Proofs that travel (c2sp.org/tlog-proof@v1): an entry's place, its path, and the checkpoint it leads to."""

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass

from registry.tlog.checkpoints import Checkpoint, open_checkpoint, read_hash
from registry.tlog.merkle import leaf_hash, root_from_path
from registry.tlog.notes import NoteError, VerifierKey

_HEADER = "c2sp.org/tlog-proof@v1"
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")
_MAX_PATH = 63


class ProofError(ValueError):
    """The text is no proof, or it proves something else."""


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """That the entry with an index is in the tree of a checkpoint; `note` is that, signed."""

    index: int
    path: tuple[bytes, ...]
    note: str

    @property
    def text(self) -> str:
        """The proof as it is stored and sent."""
        hashes = "".join(f"{base64.b64encode(node).decode('ascii')}\n" for node in self.path)
        return f"{_HEADER}\nindex {self.index}\n{hashes}\n{self.note}"


def parse_proof(text: str) -> InclusionProof:
    """Read a proof; extra data is passed over. Raises ProofError."""
    head, separator, note = text.partition("\n\n")
    lines = head.split("\n")
    if not separator or lines.pop(0) != _HEADER:
        raise ProofError(f"a proof begins with `{_HEADER}`")
    if lines and lines[0].startswith("extra "):
        lines.pop(0)
    index = _INDEX.fullmatch(lines.pop(0)) if lines else None
    if index is None or len(lines) > _MAX_PATH:
        raise ProofError("a proof names the index of its entry, and at most 63 hashes")
    try:
        return InclusionProof(int(index[1]), tuple(map(read_hash, lines)), note)
    except NoteError as error:
        raise ProofError(str(error)) from error


def check_proof(
    proof: InclusionProof, entry: bytes, keys: Iterable[VerifierKey]
) -> tuple[Checkpoint, list[VerifierKey]]:
    """The signed checkpoint in whose tree the entry is, and by whom it is signed.

    Raises ProofError where the path leads elsewhere, NoteError where none of the keys signed the checkpoint.
    """
    checkpoint, signed_by = open_checkpoint(proof.note, keys)
    try:
        root = root_from_path(leaf_hash(entry), proof.index, checkpoint.size, proof.path)
    except ValueError as error:
        raise ProofError(str(error)) from error
    if root != checkpoint.root:
        raise ProofError("the path does not lead from this entry to the root of the checkpoint")
    return checkpoint, signed_by
