"""Checking on several cores: other processes do the arithmetic, this one reads."""

import asyncio
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from registry.fsck.mandates import Outcome, check_mandates
from registry.fsck.rows import Batch
from registry.signing.jose import signing_key_from_jwk
from registry.signing.keys import DatedKey, KeyRing


@dataclass(frozen=True, slots=True)
class PackedKeys:
    """A key ring that can be sent to another process of the same machine and user, through a pipe."""

    signing: tuple[tuple[tuple[tuple[str, str], ...], datetime], ...]
    encryption: tuple[tuple[int, bytes], ...]
    index: tuple[tuple[int, bytes], ...]
    token: bytes

    def __repr__(self) -> str:
        """Show no key."""
        return "PackedKeys()"


class MandateChecker:
    """Checks batches of mandates, in other processes where there are any."""

    def __init__(self, keys: KeyRing, pool: ProcessPoolExecutor | None) -> None:
        """Without a pool, batches are checked in this process."""
        self._keys = keys
        self._packed = _pack(keys)
        self._pool = pool

    async def check(self, batch: Batch) -> Outcome:
        """Check one batch. Starting a process costs more than checking the only batch there is."""
        if self._pool is None or batch.is_only:
            return check_mandates(batch, self._keys)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, _check_packed, batch, self._packed)


@contextmanager
def open_checker(keys: KeyRing, jobs: int) -> Iterator[MandateChecker]:
    """A checker over `jobs` processes, which are ended with the block; 1 is this process alone."""
    if jobs == 1:
        yield MandateChecker(keys, None)
        return
    # Not forked: this process has threads and open connections.
    pool = ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn"))
    try:
        yield MandateChecker(keys, pool)
    finally:
        pool.shutdown(cancel_futures=True)


def _check_packed(batch: Batch, packed: PackedKeys) -> Outcome:
    return check_mandates(batch, _unpack(packed))


def _pack(keys: KeyRing) -> PackedKeys:
    return PackedKeys(
        signing=tuple(
            (tuple(sorted(dated.key.to_private_jwk().items())), dated.active_from) for dated in keys.signing
        ),
        encryption=tuple(keys.encryption.items()),
        index=tuple(keys.index.items()),
        token=keys.token,
    )


@lru_cache(maxsize=1)
def _unpack(packed: PackedKeys) -> KeyRing:
    return KeyRing(
        signing=tuple(
            DatedKey(signing_key_from_jwk(dict(jwk)), active_from) for jwk, active_from in packed.signing
        ),
        encryption=dict(packed.encryption),
        index=dict(packed.index),
        token=packed.token,
    )
