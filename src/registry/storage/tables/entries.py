"""Sealed entries: records about requests, restrictions and approvals."""

from sqlalchemy import Column, Integer, LargeBinary, Table, Text, Uuid

from registry.storage.tables.metadata import metadata, moment

sealed_entries = Table(
    "sealed_entries",
    metadata,
    Column("subject_id", Uuid, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("recorded_at", moment, nullable=False),
    Column("commitment", LargeBinary, nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
)
