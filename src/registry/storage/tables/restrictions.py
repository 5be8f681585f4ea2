"""Restrictions: the projection `restriction_states` of their sealed entries, rebuildable from them."""

from sqlalchemy import Column, Index, Integer, LargeBinary, Table, Text, Uuid

from registry.storage.tables.metadata import metadata, moment

restriction_states = Table(
    "restriction_states",
    metadata,
    Column("restriction_id", Uuid, primary_key=True),
    Column("subject_index", LargeBinary, nullable=False),
    Column("scope", Text, nullable=False),
    Column("representative_index", LargeBinary),
    Column("service", Text),
    Column("third_party", Text, comment="null: everywhere"),
    Column("imposed_by", Text, nullable=False),
    Column("valid_from", moment, nullable=False),
    Column("valid_until", moment),
    Column("imposed_at", moment, nullable=False),
    Column("lifted_at", moment),
    Column("entry_count", Integer, nullable=False),
    Index(None, "subject_index", "restriction_id"),
    Index(None, "imposed_by", "restriction_id"),
)
