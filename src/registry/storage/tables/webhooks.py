"""Endpoints and what is delivered to them: settings, queues, and a history that only grows."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY

from registry.storage.tables.metadata import metadata, moment

webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("audience", LargeBinary, nullable=False, comment="blind index of the organisation"),
    Column("client_id", Text, nullable=False),
    Column("departments", ARRAY(Text), nullable=False, comment="empty: all"),
    Column("event_types", ARRAY(Text), nullable=False),
    Column("template_ids", ARRAY(Uuid), nullable=False, comment="empty: all"),
    Column("services", ARRAY(Text), nullable=False, comment="empty: all"),
    Column("format", Text, nullable=False),
    Column("rate_per_second", Integer, nullable=False),
    Column("concurrency", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text),
    Column("status_since", moment, nullable=False),
    Column("proven_at", moment),
    Column("created_at", moment, nullable=False),
    Column("deleted_at", moment),
    Column("version", Integer, nullable=False, comment="counts the changes"),
    Column("ciphertext", LargeBinary, nullable=False, comment="address and secrets"),
    Index(None, "audience", "id"),
)

webhook_paces = Table(
    "webhook_paces",
    metadata,
    Column("endpoint_id", Uuid, primary_key=True),
    Column("next_start_at", moment, comment="by its rate, or since it throttles"),
    Column("failing_since", moment),
    comment="What deliveries tell of an endpoint; workers write it",
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("endpoint_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True, comment="the event's, or a ping's own"),
    Column("sequence", BigInteger, comment="null: a ping"),
    Column("sequenced_at", moment),
    Column("type", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("created_at", moment, nullable=False),
    Column("due_at", moment, nullable=False, comment="while leased: when the lease ends"),
    Column("lease_id", Uuid),
    Column("tries", Integer, nullable=False, comment="since it was last asked for"),
    Column("attempts", Integer, nullable=False),
    Column("finished_at", moment),
    Index(
        "ix_webhook_deliveries_waiting",
        "endpoint_id",
        "due_at",
        "sequence",
        postgresql_where=text("state = 'waiting'"),
    ),
    Index(
        "ix_webhook_deliveries_exhausted", "endpoint_id", "id", postgresql_where=text("state = 'exhausted'")
    ),
)

webhook_attempts = Table(
    "webhook_attempts",
    metadata,
    Column("endpoint_id", Uuid, primary_key=True),
    Column("delivery_id", Uuid, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", moment, primary_key=True),
    Column("status", Integer),
    Column("failure", Text),
    Column("duration_ms", Integer, nullable=False),
    Column("ciphertext", LargeBinary, comment="the beginning of the answer, under the endpoint's key"),
    postgresql_partition_by="RANGE (at)",
)
