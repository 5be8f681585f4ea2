"""Client secrets: made at random, shown once, kept as a scrypt hash (RFC 7914).

Hashing is slow on purpose. It runs in a few worker threads of its own with a bounded queue, so that
guessing secrets takes neither the event loop nor unbounded memory.
"""

import asyncio
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import Final, TypeVar

from registry.domain.errors import UnavailableError
from registry.signing.encodings import decode_base64url, encode_base64url

SECRET_BYTES: Final = 32
WORKERS: Final = 2
MAX_PENDING: Final = 32

# 16 MiB and about 60 ms. More would only help against guessing, and nobody guesses 32 random bytes.
_LOG2_COST: Final = 14
_BLOCK_SIZE: Final = 8
_PARALLEL: Final = 1
_SALT_BYTES: Final = 16
_DIGEST_BYTES: Final = 32

_STORED: Final = re.compile(
    r"\$scrypt\$ln=([0-9]{1,2}),r=([0-9]{1,2}),p=([0-9]{1,2})\$([A-Za-z0-9_-]{22})\$([A-Za-z0-9_-]{43})"
)

_T = TypeVar("_T")
_workers: Final = ThreadPoolExecutor(WORKERS, thread_name_prefix="scrypt")
_places: Final = BoundedSemaphore(MAX_PENDING)


def new_client_secret() -> str:
    """Make a secret of 32 random bytes in base64url, which no form encoding changes."""
    return secrets.token_urlsafe(SECRET_BYTES)


async def hash_client_secret(secret: str) -> str:
    """Hash a secret for storage: `$scrypt$ln=<log2 N>,r=<r>,p=<p>$<salt>$<hash>`, both parts in base64url.

    Raises UnavailableError while 32 secrets are being hashed already.
    """
    return await _in_worker(lambda: _hash(secret))


async def is_client_secret(secret: str, stored: str | None) -> bool:
    """Whether this is the secret that was hashed, compared in constant time.

    Where nothing is stored the answer is no, after the same work: whether a client exists does not show in
    the time. Raises UnavailableError while 32 secrets are being hashed already, ValueError for what is
    no hash.
    """
    is_equal = await _in_worker(lambda: _is_equal(secret, _NOBODYS_HASH if stored is None else stored))
    return is_equal and stored is not None


def _hash(secret: str) -> str:
    salt = os.urandom(_SALT_BYTES)
    return _write(salt, _scrypt(secret, salt, _LOG2_COST, _BLOCK_SIZE, _PARALLEL))


def _is_equal(secret: str, stored: str) -> bool:
    parts = _STORED.fullmatch(stored)
    if parts is None:
        raise ValueError("what is stored is not a scrypt hash")
    log2_cost, block_size, parallel = (int(number) for number in parts.group(1, 2, 3))
    salt, expected = (decode_base64url(text) for text in parts.group(4, 5))
    return hmac.compare_digest(_scrypt(secret, salt, log2_cost, block_size, parallel), expected)


def _scrypt(secret: str, salt: bytes, log2_cost: int, block_size: int, parallel: int) -> bytes:
    cost = 2**log2_cost
    # The memory that RFC 7914 section 2 counts, and OpenSSL with it: V, B and two working blocks.
    memory = 128 * block_size * (cost + parallel + 2)
    return hashlib.scrypt(
        secret.encode(), salt=salt, n=cost, r=block_size, p=parallel, maxmem=memory, dklen=_DIGEST_BYTES
    )


def _write(salt: bytes, digest: bytes) -> str:
    parameters = f"ln={_LOG2_COST},r={_BLOCK_SIZE},p={_PARALLEL}"
    return f"$scrypt${parameters}${encode_base64url(salt)}${encode_base64url(digest)}"


# The hash of no secret that anybody could know, for the work done where nothing is stored.
_NOBODYS_HASH: Final = _write(os.urandom(_SALT_BYTES), os.urandom(_DIGEST_BYTES))


async def _in_worker(work: Callable[[], _T]) -> _T:
    if not _places.acquire(blocking=False):
        raise UnavailableError("Too many client secrets are being checked just now: try again shortly.")
    try:
        future = _workers.submit(work)
    except BaseException:
        _places.release()
        raise
    # Released when the work is over, not when the asker has gone: a running thread cannot be cancelled.
    future.add_done_callback(lambda _: _places.release())
    return await asyncio.wrap_future(future)
