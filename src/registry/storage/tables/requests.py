"""Mandate requests: the projection of their sealed entries, rebuildable from them."""

from sqlalchemy import Column, Index, Integer, LargeBinary, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY

from registry.storage.tables.metadata import metadata, moment

request_states = Table(
    "request_states",
    metadata,
    Column("request_id", Uuid, primary_key=True),
    Column("third_party", Text, nullable=False),
    Column("principal_index", LargeBinary, nullable=False),
    Column("representative_indexes", ARRAY(LargeBinary), nullable=False),
    Column("signer_indexes", ARRAY(LargeBinary), nullable=False, comment="everybody who may sign"),
    Column("waiting_indexes", ARRAY(LargeBinary), nullable=False, comment="who may still sign"),
    Column("template_id", Uuid, nullable=False),
    Column("template_version", Integer, nullable=False),
    Column("created_at", moment, nullable=False),
    Column("expires_at", moment, nullable=False),
    Column("entry_count", Integer, nullable=False),
    Column("ended_by", Text, comment="type of the entry that ended it; a lapse may not be recorded yet"),
    Column("mandate_id", Uuid, comment="what was issued"),
    Index(None, "third_party", "request_id"),
    Index(None, "principal_index", "request_id"),
    Index("ix_request_states_representative_indexes", "representative_indexes", postgresql_using="gin"),
    Index("ix_request_states_signer_indexes", "signer_indexes", postgresql_using="gin"),
    Index("ix_request_states_waiting_indexes", "waiting_indexes", postgresql_using="gin"),
    Index("ix_request_states_open", "expires_at", postgresql_where=text("ended_by IS NULL")),
)
