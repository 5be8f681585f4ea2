"""Mandates: records, and the projections `mandate_states` and `representations`, which are rebuildable."""

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from registry.storage.tables.metadata import metadata, moment

mandate_records = Table(
    "mandate_records",
    metadata,
    Column("mandate_id", Uuid, primary_key=True),
    Column("issued_at", moment, nullable=False),
    Column("commitment", LargeBinary, nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
)

mandate_evidence = Table(
    "mandate_evidence",
    metadata,
    Column("mandate_id", Uuid, ForeignKey("mandate_records.mandate_id"), primary_key=True),
    Column("position", SmallInteger, primary_key=True),
    Column("ciphertext", LargeBinary, nullable=False),
)

mandate_events = Table(
    "mandate_events",
    metadata,
    Column("mandate_id", Uuid, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("recorded_at", moment, primary_key=True),
    Column("event_id", Uuid, nullable=False),
    Column("type", Text, nullable=False),
    Column("commitment", LargeBinary, nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
    postgresql_partition_by="RANGE (recorded_at)",
)

mandate_endings = Table(
    "mandate_endings",
    metadata,
    Column("mandate_id", Uuid, ForeignKey("mandate_records.mandate_id"), primary_key=True),
    Column("event_id", Uuid, nullable=False),
    Column("type", Text, nullable=False),
    Column("ended_at", moment, nullable=False),
)

mandate_states = Table(
    "mandate_states",
    metadata,
    Column("mandate_id", Uuid, ForeignKey("mandate_records.mandate_id"), primary_key=True),
    Column("third_party", Text, nullable=False),
    Column("principal_index", LargeBinary, nullable=False),
    Column("principal_role", Text, nullable=False),
    Column("specifier_index", LargeBinary),
    Column("content_index", LargeBinary, nullable=False, comment="blind index of the digest that was signed"),
    Column("kind", Text, nullable=False),
    Column("basis", Text, nullable=False),
    Column("template_id", Uuid, nullable=False),
    Column("template_version", Integer, nullable=False),
    Column("permissions", ARRAY(Text), nullable=False),
    Column("valid_from", moment, nullable=False),
    Column("valid_until", moment),
    Column("issued_at", moment, nullable=False),
    Column("event_count", Integer, nullable=False),
    Column("last_digest", LargeBinary, nullable=False, comment="SHA-256 of the newest sealed bytes"),
    Column("uses", Integer, nullable=False),
    Column("max_uses", Integer),
    Column("changes", JSONB, nullable=False, comment="[[type, at, recorded_at], ...] that decide status"),
    Column("ended_at", moment),
    Column("used_up_at", moment),
    Column("is_suspended", Boolean, nullable=False, server_default=text("false")),
    Column("ancestors", ARRAY(Uuid), comment="root first, parent last; null for a direct mandate"),
    Column(
        "organisation_indexes",
        ARRAY(LargeBinary),
        comment="principal and representatives that are organisations; null: not derived yet",
    ),
    Index(None, "third_party", "mandate_id"),
    Index(None, "principal_index", "mandate_id"),
    Index(None, "content_index"),
    Index(None, "ancestors", postgresql_using="gin", postgresql_where=text("ancestors IS NOT NULL")),
)

representations = Table(
    "representations",
    metadata,
    Column("mandate_id", Uuid, ForeignKey("mandate_states.mandate_id"), primary_key=True),
    Column("position", SmallInteger, primary_key=True),
    Column("third_party", Text, nullable=False),
    Column("principal_index", LargeBinary, nullable=False),
    Column("representative_index", LargeBinary, nullable=False),
    Column("principal_role", Text, nullable=False),
    Column("specifier_index", LargeBinary),
    Column("permissions", ARRAY(Text), nullable=False),
    Column("services", ARRAY(Text), nullable=False),
    Column("valid_from", moment, nullable=False),
    Column("valid_until", moment),
    Column("issued_at", moment, nullable=False),
    Column("changes", JSONB(none_as_null=True), comment="as in mandate_states; null while there are none"),
    Column("together", SmallInteger, nullable=False),
    Column("approval", Boolean, nullable=False),
    Column("principal_below", SmallInteger),
    Column("representative_from", SmallInteger),
    Column("ancestors", ARRAY(Uuid), comment="as in mandate_states"),
    Index("ix_representations_question", "representative_index", "third_party", "principal_index"),
)
