"""Sealed entries under check: forged ones, ones that went, and a kind that nothing projects."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from fsck_flips import changed, list_keys, list_places, row_name, without
from fsck_populated import Populated
from registry.domain.entries import entry_document
from registry.fsck import Finding, Kind
from registry.signing.encryption import commitment, encrypt, salt
from registry.signing.records import SealType, seal
from registry.storage.database import ReadSession
from registry.storage.sealed_entries import SealedEntry, entry_place, list_entries


async def lifted_restriction(populated: Populated) -> tuple[UUID, tuple[SealedEntry, ...]]:
    """A restriction that was lifted, with its two entries."""
    subject_id: UUID = await populated.root.fetchval(
        "SELECT subject_id FROM sealed_entries WHERE number = 1 AND kind = 'restriction'"
    )
    async with populated.database.reading() as session:
        return subject_id, await entries_of(populated, session, subject_id)


async def entries_of(populated: Populated, session: ReadSession, subject_id: UUID) -> tuple[SealedEntry, ...]:
    return (await list_entries(session, populated.keys, [subject_id]))[subject_id]


@pytest.mark.parametrize(
    ("member", "finding"),
    [
        ({"previous": "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"}, ("sealed.previous", Kind.CHAIN_BROKEN)),
        ({"number": 2}, ("sealed.number", Kind.UNREADABLE)),
        ({"type": "restriction.imposed"}, ("type", Kind.COLUMN_MISMATCH)),
    ],
)
async def test_an_entry_sealed_anew_with_other_content_is_found(
    populated: Populated, member: dict[str, object], finding: tuple[str, Kind]
) -> None:
    """Even by whoever has every key."""
    subject_id, (_, lifted) = await lifted_restriction(populated)
    forged = replace(lifted.entry, **member)  # type: ignore[arg-type]  # any member
    row = f"{subject_id}/1"
    assert Finding("sealed_entries", row, *finding) in await findings_with(
        populated, subject_id, seal(entry_document(forged), populated.keys, SealType.ENTRY, now=now())
    )


async def test_another_document_is_no_entry(populated: Populated) -> None:
    subject_id, _ = await lifted_restriction(populated)
    for seal_type, part, kind in (
        (SealType.EVENT, "ciphertext", Kind.SEAL_BROKEN),
        (SealType.ENTRY, "sealed", Kind.UNREADABLE),
    ):
        other = seal({"subject_id": str(subject_id)}, populated.keys, seal_type, now=now())
        found = await findings_with(populated, subject_id, other)
        assert Finding("sealed_entries", f"{subject_id}/1", part, kind) in found
        assert Finding("restriction_states", str(subject_id), "sealed_entries", Kind.UNVERIFIABLE) in found


async def findings_with(populated: Populated, subject_id: UUID, sealed: bytes) -> tuple[Finding, ...]:
    """What is found with these sealed bytes in the place of the second entry, encrypted and committed to."""
    row = await populated.root.fetchrow("SELECT * FROM erasable_secrets WHERE subject_id = $1", subject_id)
    secret = populated.keys.unwrap(row["kek_number"], row["wrapped"], str(subject_id))
    where = entry_place(subject_id, 1)
    places = {
        place.column: place
        for place in await list_places(populated.root, "sealed_entries")
        if place.row == f"{subject_id}/1"
    }
    async with (
        changed(populated.root, places["ciphertext"], encrypt(secret.data_key, sealed, where)),
        changed(populated.root, places["commitment"], commitment(salt(secret, where), sealed)),
    ):
        return (await populated.check()).findings


async def test_a_lifting_that_went_is_named_though_nothing_follows_it(populated: Populated) -> None:
    subject_id, _ = await lifted_restriction(populated)
    key = next(
        key for key in await list_keys(populated.root, "sealed_entries") if row_name(key) == f"{subject_id}/1"
    )
    async with without(populated.root, "sealed_entries", key):
        report = await populated.check()
    assert set(report.findings) == {
        Finding("sealed_entries", f"{subject_id}/1", "", Kind.MISSING_ROW),
        Finding("restriction_states", str(subject_id), "lifted_at", Kind.COLUMN_MISMATCH),
        Finding("restriction_states", str(subject_id), "entry_count", Kind.COLUMN_MISMATCH),
    }


def now() -> datetime:
    return datetime.now(UTC)
