"""The keys that sign the transparency log's checkpoints: Ed25519, dated, in rotation."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from registry.domain.documents import Json, utc_text, utc_time
from registry.signing.encodings import decode_base64url, encode_base64url
from registry.tlog.notes import NoteKey

LOG_KEY_OVERLAP = timedelta(days=30)
"""How long a key goes on signing beside the one that took over, so that verifiers have time to learn that."""

_SEED_BYTES = 32


@dataclass(frozen=True, slots=True)
class DatedLogKey:
    """A key with the time from which it signs."""

    key: NoteKey
    active_from: datetime


def new_log_key(active_from: datetime) -> DatedLogKey:
    """A fresh key."""
    return DatedLogKey(NoteKey(secrets.token_bytes(_SEED_BYTES)), active_from)


def log_signers(log: Sequence[DatedLogKey], now: datetime) -> tuple[NoteKey, ...]:
    """The keys that sign now, the newest first: the one active, and those it replaced within the overlap."""
    active = [dated for dated in log if dated.active_from <= now] or list(log[:1])
    signers = [dated.key for dated in active[-1:]]
    for dated, successor in zip(reversed(active[:-1]), reversed(active), strict=False):
        if now < successor.active_from + LOG_KEY_OVERLAP:
            signers.append(dated.key)
    return tuple(signers)


def log_keys_document(log: Sequence[DatedLogKey]) -> list[dict[str, Json]]:
    """Show the keys as the key file holds them."""
    return [
        {"active_from": utc_text(dated.active_from), "seed": encode_base64url(dated.key.seed)}
        for dated in log
    ]


def read_log_keys(document: Sequence[dict[str, Any]]) -> tuple[DatedLogKey, ...]:
    """Read what `log_keys_document` wrote. Raises ValueError for a key of another length."""
    seeds = [decode_base64url(item["seed"]) for item in document]
    if any(len(seed) != _SEED_BYTES for seed in seeds):
        raise ValueError("a log key has another length")
    return tuple(
        DatedLogKey(NoteKey(seed), utc_time(item["active_from"]))
        for seed, item in zip(seeds, document, strict=True)
    )
