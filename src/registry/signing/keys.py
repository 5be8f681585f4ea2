"""The registry's own keys: signing and log keys in rotation, key-encryption keys, index keys, a token key.

They live in one file outside the database (mode 0600), written by `registry keys`. Retired keys stay in it,
so that old signatures verify and old ciphertext opens.
"""

import hmac
import json
import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from registry.domain.documents import Json, utc_text, utc_time
from registry.domain.errors import OperatorError
from registry.domain.parties import Party
from registry.signing.encodings import decode_base64url, encode_base64url
from registry.signing.encryption import DataSecret, unwrap, wrap
from registry.signing.jose import (
    SigningKey,
    VerificationKey,
    generate_signing_key,
    signing_key_from_jwk,
)
from registry.signing.log_keys import (
    DatedLogKey,
    log_keys_document,
    log_signers,
    new_log_key,
    read_log_keys,
)
from registry.tlog.notes import NoteKey, VerifierKey

_INDEX_BYTES = 16
_SECRET_BYTES = 32
_NUMBERS = range(1, 256)


class KeyFileError(OperatorError):
    """The key file is missing, damaged, or readable by others."""


@dataclass(frozen=True, slots=True)
class DatedKey:
    """A signing key with the time from which it signs; it is retired when a later one takes over."""

    key: SigningKey
    active_from: datetime


@dataclass(frozen=True)
class KeyRing:
    """All keys of a running registry. Immutable: rotation makes a new ring.

    `encryption` and `index` map a number to 32 secret bytes. The highest key-encryption key wraps what is
    new, all of them open what is there. There is one index key; a blind index begins with its number.
    """

    signing: tuple[DatedKey, ...]
    encryption: Mapping[int, bytes] = field(repr=False)
    index: Mapping[int, bytes] = field(repr=False)
    token: bytes = field(repr=False)
    log: tuple[DatedLogKey, ...] = field(default=(), repr=False)

    def signing_key(self, now: datetime) -> SigningKey:
        """The newest signing key that is active by now."""
        for dated in reversed(self.signing):
            if dated.active_from <= now:
                return dated.key
        return self.signing[0].key

    def verification_keys(self) -> Mapping[str, VerificationKey]:
        """Every signing key's public half by kid: current, coming and retired."""
        return _verification_keys(self.signing)

    def jwks(self) -> dict[str, list[dict[str, Json]]]:
        """The public key set (RFC 7517). `nbf` and, once retired, `exp` tell when a key signed."""
        keys = []
        for position, dated in enumerate(self.signing):
            public: dict[str, Json] = dict(dated.key.public_jwk())
            public |= {"use": "sig", "nbf": int(dated.active_from.timestamp())}
            if position + 1 < len(self.signing):
                public["exp"] = int(self.signing[position + 1].active_from.timestamp())
            keys.append(public)
        return {"keys": keys}

    def wrap(self, secret: DataSecret, subject: str) -> tuple[int, bytes]:
        """Wrap a subject's secrets; returns the number of the key used and the wrapped bytes."""
        number = max(self.encryption)
        return number, wrap(self.encryption[number], secret, subject)

    def unwrap(self, number: int, wrapped: bytes, subject: str) -> DataSecret:
        """Undo `wrap`. Raises DecryptionError; KeyFileError where the key is not in the ring."""
        if number not in self.encryption:
            raise KeyFileError(f"key-encryption key {number} is not in the key file")
        return unwrap(self.encryption[number], wrapped, subject)

    def blind_index(self, text: str) -> bytes:
        """One byte of key number, then 16 bytes of HMAC-SHA-256: equal only for equal text."""
        number = max(self.index)
        return _blind_index(number, self.index[number], text)

    def party_index(self, party: Party) -> bytes:
        """The blind index under which a party's rows are found."""
        return self.blind_index(f"party:{party}")

    def mac(self, data: bytes) -> bytes:
        """HMAC-SHA-256 under the token key, for what only the registry itself checks."""
        return hmac.digest(self.token, data, sha256)

    def rotated(self, now: datetime, *, active_in: timedelta) -> "KeyRing":
        """A ring with one more signing key, published now and signing after `active_in`.

        The delay lets every process and every cached key set learn the key before it is used.
        """
        active_from = max(now + active_in, self.signing[-1].active_from)
        dated = DatedKey(generate_signing_key(_new_kid(now)), active_from)
        return replace(self, signing=(*self.signing, dated))

    def log_signers(self, now: datetime) -> tuple[NoteKey, ...]:
        """The keys that sign the log's checkpoints now, the newest first; none where the ring has none."""
        return log_signers(self.log, now)

    def log_verifiers(self, origin: str) -> list[VerifierKey]:
        """Every log key's public half, under the log's name: current, coming and retired."""
        return [dated.key.verifier(origin) for dated in self.log]

    def log_rotated(self, now: datetime, *, active_in: timedelta) -> "KeyRing":
        """A ring with one more log key, which signs after `active_in`; the first one signs at once."""
        active_from = max(now + active_in, self.log[-1].active_from) if self.log else now
        return replace(self, log=(*self.log, new_log_key(active_from)))


def new_key_ring(now: datetime) -> KeyRing:
    """A ring of fresh keys."""
    return KeyRing(
        signing=(DatedKey(generate_signing_key(_new_kid(now)), now),),
        encryption={1: secrets.token_bytes(_SECRET_BYTES)},
        index={1: secrets.token_bytes(_SECRET_BYTES)},
        token=secrets.token_bytes(_SECRET_BYTES),
        log=(new_log_key(now),),
    )


def load_key_ring(path: Path) -> KeyRing:
    """Read a key file. Raises KeyFileError when it is missing, damaged or open to others."""
    try:
        if path.stat().st_mode & 0o077:
            raise KeyFileError(f"{path.name} is open to others: set its mode to 0600")
        document = json.loads(path.read_bytes())
        return _read(document)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise KeyFileError(
            f"cannot read the key file {path.name}: make one with `registry keys create`"
        ) from error


def save_key_ring(path: Path, ring: KeyRing) -> None:
    """Write a key file whole or not at all, mode 0600, in place of the one that is there. Raises OSError.

    It stays the property of whose it was: root may rotate the keys of a registry that runs unprivileged.
    """
    with _written(path, ring) as temporary:
        if path.exists():
            owner = path.stat()
            os.chown(temporary, owner.st_uid, owner.st_gid)
        temporary.replace(path)


def create_key_file(path: Path, ring: KeyRing) -> None:
    """Write a key file where there is none, as `save_key_ring`. Raises FileExistsError, OSError."""
    with _written(path, ring) as temporary:
        path.hardlink_to(temporary)


@contextmanager
def _written(path: Path, ring: KeyRing) -> Iterator[Path]:
    """A finished file beside `path`, which is gone at the end unless it was moved."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w") as file:
            json.dump(_document(ring), file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        # What is recorded under these keys must never outlive them.
        os.fsync(directory)
    finally:
        os.close(directory)


def _new_kid(now: datetime) -> str:
    return f"{now:%Y%m%d}-{secrets.token_hex(4)}"


@lru_cache(maxsize=4)
def _verification_keys(signing: tuple[DatedKey, ...]) -> Mapping[str, VerificationKey]:
    return {dated.key.kid: dated.key.verification_key for dated in signing}


def _blind_index(number: int, key: bytes, text: str) -> bytes:
    mac = _keyed_mac(key).copy()
    mac.update(text.encode())
    return bytes([number]) + mac.finalize()[:_INDEX_BYTES]


@lru_cache(maxsize=4)
def _keyed_mac(key: bytes) -> HMAC:
    """HMAC-SHA-256 with its key taken in, to be copied: a quarter of the time of beginning anew."""
    return HMAC(key, SHA256())


def _document(ring: KeyRing) -> dict[str, Any]:
    return {
        "signing": [
            {"active_from": utc_text(dated.active_from), "jwk": dated.key.to_private_jwk()}
            for dated in ring.signing
        ],
        "encryption": {str(number): encode_base64url(key) for number, key in ring.encryption.items()},
        "index": {str(number): encode_base64url(key) for number, key in ring.index.items()},
        "token": encode_base64url(ring.token),
        "log": log_keys_document(ring.log),
    }


def _read(document: Mapping[str, Any]) -> KeyRing:
    if len(document["index"]) != 1:
        raise ValueError("rows are found under one index key: a second would hide them all")
    ring = KeyRing(
        signing=tuple(
            DatedKey(signing_key_from_jwk(item["jwk"]), utc_time(item["active_from"]))
            for item in document["signing"]
        ),
        encryption={int(number): decode_base64url(key) for number, key in document["encryption"].items()},
        index={int(number): decode_base64url(key) for number, key in document["index"].items()},
        token=decode_base64url(document["token"]),
        log=read_log_keys(document.get("log", ())),
    )
    secret = (*ring.encryption.values(), *ring.index.values(), ring.token)
    if not (ring.signing and ring.encryption and ring.index) or {len(key) for key in secret} != {
        _SECRET_BYTES
    }:
        raise ValueError("a key is missing or of another length")
    if any(number not in _NUMBERS for number in (*ring.encryption, *ring.index)):
        raise ValueError("keys are numbered from 1 to 255")
    return ring
