"""Checking the access log: each entry opens under its month's key, beside the columns it was written with.

Whom an entry shows beside those that its own row names is vouched for by a digest in its details.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

import orjson

from registry.fsck.findings import Finding, Kind, Row, Spot
from registry.fsck.rows import Batch
from registry.fsck.sealed import open_ciphertext
from registry.signing.encryption import DataSecret, DecryptionError
from registry.signing.keys import KeyFileError, KeyRing
from registry.storage.access_log import access_place, month_secret_id, persons_digest


def check_access_log(batch: Batch, secrets: Mapping[UUID, Row], keys: KeyRing) -> list[Finding]:
    """Check the entries of a batch. `secrets` are the rows of `erasable_secrets` that they name."""
    found: list[Finding] = []
    opened = {subject_id: _unwrap(row, keys) for subject_id, row in secrets.items()}
    lost: set[UUID] = set()
    persons = _persons_by_entry(batch)
    for row in batch.rows["access_log"]:
        spot = Spot(found, "access_log", str(row["id"]))
        # A time that cannot be read comes as a number, which is in no month.
        month = None if isinstance(row["at"], int) else month_secret_id(row["at"])
        if month is None:
            spot.note("at", Kind.COLUMN_MISMATCH)
        elif row["secret_id"] != month:
            spot.note("secret_id", Kind.COLUMN_MISMATCH)
        elif month not in secrets:
            lost.add(month)
        secret = opened.get(row["secret_id"])
        if secret is None:
            spot.note("erasable_secrets", Kind.UNVERIFIABLE)
        else:
            _check_details(row, secret, persons.get(row["id"], ()), spot)
    for entry_id in sorted(persons.keys() - {row["id"] for row in batch.rows["access_log"]}):
        Spot(found, "access_log_persons", str(entry_id)).note("", Kind.UNEXPECTED_ROW)
    for subject_id in sorted(lost):
        Spot(found, "erasable_secrets", str(subject_id)).note("", Kind.MISSING_SECRET)
    return found


def _unwrap(row: Row, keys: KeyRing) -> DataSecret | None:
    """The month's secret; what is wrong with it is noted where data keys are checked, once."""
    try:
        return keys.unwrap(row["kek_number"], row["wrapped"], str(row["subject_id"]))
    except (KeyFileError, DecryptionError):
        return None


def _persons_by_entry(batch: Batch) -> dict[UUID, list[Row]]:
    found: dict[UUID, list[Row]] = {}
    for row in batch.rows["access_log_persons"]:
        found.setdefault(row["entry_id"], []).append(row)
    return found


def _check_details(row: Row, secret: DataSecret, persons: Sequence[Row], spot: Spot) -> None:
    plain = open_ciphertext(row, secret, access_place(row), spot)
    if plain is None:
        return
    try:
        document = orjson.loads(plain)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        spot.note("ciphertext", Kind.UNREADABLE)
        return
    digest = persons_digest(item["party_index"] for item in persons) if persons else None
    if document.get("persons_digest") != digest or any(item["at"] != row["at"] for item in persons):
        spot.note("persons_digest", Kind.DIGEST_MISMATCH)
