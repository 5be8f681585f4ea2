"""Signed notes (c2sp.org/signed-note) with Ed25519: texts that keys with names have signed."""

import base64
import binascii
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519, COSIGNATURE = 0x01, 0x04
"""Signature types: of a log, and of a witness with its time."""

MAX_NOTE_CHARS = 65_536
_KEY_ID_BYTES, _KEY_BYTES, _SIGNATURE_BYTES, _TIME_BYTES = 4, 32, 64, 8
_DASH = "\u2014 "


class NoteError(ValueError):
    """The text is no signed note, or no known key has signed it, or one that is known has not."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key under a name; `kind` is the type of the signatures that it makes."""

    name: str
    public: bytes
    kind: int = ED25519

    @property
    def key_id(self) -> bytes:
        """The first four bytes of SHA-256(name, newline, type, public key)."""
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:_KEY_ID_BYTES]

    @property
    def text(self) -> str:
        """The key as it is handed to those who verify: `name+id+key`."""
        return f"{self.name}+{self.key_id.hex()}+{_encode(bytes([self.kind]) + self.public)}"

    def verify(self, text: str, signature: bytes) -> bool:
        """Whether this key made the signature over the text."""
        message = text.encode()
        if self.kind == COSIGNATURE:
            time, signature = signature[:_TIME_BYTES], signature[_TIME_BYTES:]
            message = b"cosignature/v1\ntime %d\n" % int.from_bytes(time, "big") + message
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True)
class NoteKey:
    """A private Ed25519 key. Its representation shows no secret."""

    seed: bytes = field(repr=False)

    @cached_property
    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)

    @cached_property
    def public(self) -> bytes:
        """The public key, 32 bytes (RFC 8032)."""
        return self._private.public_key().public_bytes_raw()

    def verifier(self, name: str) -> VerifierKey:
        """The public half under a name."""
        return VerifierKey(name, self.public)

    def sign(self, text: str) -> bytes:
        """64 bytes over the text, its final newline included."""
        return self._private.sign(text.encode())


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line, of whatever key."""

    name: str
    key_id: bytes
    signature: bytes

    @property
    def line(self) -> str:
        """The line as it stands in a note, with its newline."""
        return f"{_DASH}{self.name} {_encode(self.key_id + self.signature)}\n"

    def is_by(self, key: VerifierKey) -> bool:
        """Whether it names this key; that says nothing yet of the signature."""
        return (self.name, self.key_id) == (key.name, key.key_id)


@dataclass(frozen=True, slots=True)
class Note:
    """A note taken apart, nothing of it verified. `text` ends with a newline."""

    text: str
    signatures: tuple[NoteSignature, ...]


def sign_note(text: str, name: str, keys: Sequence[NoteKey]) -> str:
    """The note with a signature of each key, under one name. Raises ValueError for a text without its end."""
    if not text.endswith("\n") or not is_key_name(name):
        raise ValueError("a note's text ends with a newline, and a key's name has no space and no plus")
    lines = (NoteSignature(name, key.verifier(name).key_id, key.sign(text)).line for key in keys)
    return f"{text}\n{''.join(lines)}"


def parse_note(note: str) -> Note:
    """Take a note apart. Raises NoteError."""
    if len(note) > MAX_NOTE_CHARS:
        raise NoteError(f"a note has at most {MAX_NOTE_CHARS} characters")
    if any(char < " " and char != "\n" for char in note):
        raise NoteError("a note has no control characters but newlines")
    text, separator, rest = note.rpartition("\n\n")
    lines = rest.split("\n")
    if not separator or lines.pop() or not lines:
        raise NoteError("a note is a text, an empty line, and lines of signatures")
    return Note(f"{text}\n", tuple(_parse_line(line) for line in lines))


def verify_note(note: str, keys: Iterable[VerifierKey]) -> tuple[str, list[VerifierKey]]:
    """The text of a note, and which of the keys signed it.

    Signatures of other keys are passed over. Raises NoteError where none of the keys signed, and where a
    signature under one of them does not verify.
    """
    parsed, known, found = parse_note(note), list(keys), []
    for signature in parsed.signatures:
        for key in known:
            if signature.is_by(key):
                if not key.verify(parsed.text, signature.signature):
                    raise NoteError(f"the signature of {key.name} does not verify")
                found.append(key)
    if not found:
        raise NoteError("no known key has signed it")
    return parsed.text, found


def attach(note: str, line: str, keys: Iterable[VerifierKey]) -> str:
    """The note with one more signature line, a witness's cosignature, once it verifies by one of the keys.

    A line that is there already changes nothing. Raises NoteError.
    """
    parsed = parse_note(note)
    signature = _parse_line(line.removesuffix("\n"))
    key = next((key for key in keys if signature.is_by(key)), None)
    if key is None or not key.verify(parsed.text, signature.signature):
        raise NoteError("the line is no signature of a known key over this note")
    return note if signature in parsed.signatures else note + signature.line


def cosigned_at(signature: NoteSignature) -> int:
    """When a witness says that it saw the note, in seconds since 1970. Raises NoteError for another kind."""
    if len(signature.signature) != _TIME_BYTES + _SIGNATURE_BYTES:
        raise NoteError("it is no cosignature with a time")
    return int.from_bytes(signature.signature[:_TIME_BYTES], "big")


def parse_verifier_key(text: str) -> VerifierKey:
    """Read `name+id+key`, of a log or a witness. Raises NoteError."""
    name, _, rest = text.partition("+")
    key_id, _, encoded = rest.partition("+")
    material = read_base64(encoded)
    kind, public = material[:1], material[1:]
    if not is_key_name(name) or kind not in {b"\x01", b"\x04"} or len(public) != _KEY_BYTES:
        raise NoteError("a verifier key is `name+id+key`, of Ed25519")
    key = VerifierKey(name, public, kind[0])
    if key.key_id.hex() != key_id:
        raise NoteError("the id of a verifier key is that of its name and key")
    return key


def is_key_name(name: str) -> bool:
    """Whether a key, and so a log, can have this name: no space, no plus, no control character."""
    return bool(name) and "+" not in name and not any(char.isspace() or char < " " for char in name)


def read_base64(text: str) -> bytes:
    """Decode the one canonical base64 of some bytes. Raises NoteError."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if not data or _encode(data) != text:
        raise NoteError("keys, signatures and hashes are base64")
    return data


def _parse_line(line: str) -> NoteSignature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space or not is_key_name(name):
        raise NoteError("a signature line is a dash, a name and a signature")
    data = read_base64(encoded)
    if len(data) <= _KEY_ID_BYTES:
        raise NoteError("a signature is longer than its key's id")
    return NoteSignature(name, data[:_KEY_ID_BYTES], data[_KEY_ID_BYTES:])


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
