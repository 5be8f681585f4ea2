"""What proves a mandate beside its record and events: its signatures' evidence, its template as sealed."""

from uuid import UUID

from sqlalchemy import select

from registry.signing.encryption import DataSecret, decrypt
from registry.storage.database import ReadSession
from registry.storage.mandate_records import evidence_place
from registry.storage.tables import mandate_evidence, template_publications


async def list_evidence(session: ReadSession, secret: DataSecret, mandate_id: UUID) -> list[bytes]:
    """The evidence of each signature exactly as received, in their order. Raises DecryptionError."""
    rows = await session.execute(
        select(mandate_evidence)
        .where(mandate_evidence.c.mandate_id == mandate_id)
        .order_by(mandate_evidence.c.position)
    )
    return [
        decrypt(secret.data_key, row.ciphertext, evidence_place(mandate_id, row.position)) for row in rows
    ]


async def get_publication(session: ReadSession, template_id: UUID, version: int) -> bytes:
    """The sealed publication of a template's version. Raises NoResultFound where it was never published."""
    published = template_publications.c
    found = await session.execute(
        select(published.sealed).where(published.template_id == template_id, published.version == version)
    )
    sealed: bytes = found.scalar_one()
    return sealed
