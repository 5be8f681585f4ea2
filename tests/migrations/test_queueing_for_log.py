"""What was recorded before there was a transparency log is queued for it when it comes."""

import asyncio
from hashlib import sha256
from uuid import UUID

import asyncpg
from alembic import command

from registry.signing.encryption import commitment
from registry.storage.migrations import migrate, migrations_config
from registry.tlog.entries import PUBLIC_SALT

BEFORE = "20261121_statutory_deliveries"
ID = UUID(int=7)

RECORDED = """
INSERT INTO mandate_records VALUES ($$ID, '2026-01-02Z', '\\x01', '');
INSERT INTO mandate_events VALUES ($$ID, 1, '2026-01-04Z', $$ID, 'mandate.used', '\\x02', '');
INSERT INTO sealed_entries VALUES ($$ID, 0, 'request', 'request.created', '2026-01-03Z', '\\x03', '');
INSERT INTO templates VALUES ($$ID, 'se-orgnr:2120002411', '2026-01-01Z', 'x');
INSERT INTO template_versions (template_id, version, third_party, kind, status, is_current, services,
    permission_codes, content, search_text, updated_at)
    VALUES ($$ID, 3, 'x', 'consent', 'draft', false, '{}', '{}', '{}', '', '2026-01-01Z');
INSERT INTO template_publications VALUES ($$ID, 3, '2026-01-01Z', 'published');
INSERT INTO template_retirements VALUES ($$ID, '2026-01-05Z', 'retired');
""".replace("$$ID", f"'{ID}'")


async def test_earlier_records_are_queued_in_their_order(fresh_database: str) -> None:
    await asyncio.to_thread(command.upgrade, migrations_config(fresh_database), BEFORE)
    connection = await asyncpg.connect(fresh_database)
    try:
        await connection.execute(RECORDED)
        await asyncio.to_thread(migrate, fresh_database)
        queued = await connection.fetch(
            "SELECT kind, subject_id, number, commitment FROM log_queue ORDER BY position"
        )
    finally:
        await connection.close()
    assert [tuple(row) for row in queued] == [
        ("template", ID, 3, commitment(PUBLIC_SALT, b"published")),
        ("mandate", ID, 0, b"\x01"),
        ("request", ID, 0, b"\x03"),
        ("mandate", ID, 1, b"\x02"),
        ("retirement", ID, 0, commitment(PUBLIC_SALT, b"retired")),
    ]
    assert commitment(PUBLIC_SALT, b"x") == sha256(b"\x01" + bytes(32) + b"x").digest()
