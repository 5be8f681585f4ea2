"""Approvals: the projection `approval_states` of their sealed entries, rebuildable from them."""

from sqlalchemy import Column, Index, Integer, LargeBinary, Table, Text, Uuid

from registry.storage.tables.metadata import metadata, moment

approval_states = Table(
    "approval_states",
    metadata,
    Column("approval_id", Uuid, primary_key=True),
    Column("third_party", Text, nullable=False),
    Column("principal_index", LargeBinary, nullable=False),
    Column("representative_index", LargeBinary, nullable=False),
    Column("permission", Text, nullable=False),
    Column("content_index", LargeBinary, nullable=False, comment="blind index of the content's digest"),
    Column("requested_at", moment, nullable=False),
    Column("deadline", moment, nullable=False),
    Column("decision", Text),
    Column("decided_at", moment),
    Column("entry_count", Integer, nullable=False),
    Column("principal_role", Text, comment="null: as what the principal is"),
    Index(None, "representative_index", "approval_id"),
    Index(None, "third_party", "approval_id"),
    Index(None, "principal_index", "approval_id"),
)
