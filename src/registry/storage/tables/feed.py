"""The outbox and what becomes of it: queues and feeds, which are no records. No person's index is in them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Identity,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from registry.storage.tables.metadata import metadata, moment

outbox = Table(
    "outbox",
    metadata,
    Column("position", BigInteger, Identity(), primary_key=True),
    Column("event_id", Uuid, nullable=False),
    Column("type", Text, nullable=False),
    Column("occurred_at", moment, nullable=False),
    Column("subject_id", Uuid, nullable=False),
    Column("template_id", Uuid),
    Column("template_version", Integer),
    Column("department", Text),
    Column("services", ARRAY(Text), nullable=False),
    Column("notify", ARRAY(Text), nullable=False),
    Column("audiences", ARRAY(LargeBinary), nullable=False, comment="organisations that are told"),
    Column("third_party", LargeBinary, comment="the audience with departments, and whose the cases are"),
    Column("details", JSONB, nullable=False),
    Column("open_uses", ARRAY(Uuid), nullable=False),
)

outbox_set_aside = Table(
    "outbox_set_aside",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("set_aside_at", moment, nullable=False),
    Column("reason", Text, nullable=False),
    Column("notice", JSONB, nullable=False, comment="the row of the outbox"),
    comment="What could not be sequenced, and did not hold up the rest",
)

feed_heads = Table(
    "feed_heads",
    metadata,
    Column("audience", LargeBinary, primary_key=True),
    Column("sequence", BigInteger, nullable=False, comment="the newest event's"),
)

feed_events = Table(
    "feed_events",
    metadata,
    Column("audience", LargeBinary, primary_key=True),
    Column("sequence", BigInteger, primary_key=True),
    Column("sequenced_at", moment, primary_key=True),
    Column("event_id", Uuid, nullable=False),
    Column("type", Text, nullable=False),
    Column("occurred_at", moment, nullable=False),
    Column("subject_id", Uuid, nullable=False),
    Column("template_id", Uuid),
    Column("template_version", Integer),
    Column("department", Text),
    Column("is_third_party", Boolean, nullable=False, comment="departments limit what its clients see"),
    Column("services", ARRAY(Text), nullable=False),
    Column("notify", ARRAY(Text), nullable=False),
    Column("details", JSONB, nullable=False),
    Column("open_uses", ARRAY(Uuid), comment="null: the event ends nothing, or the cases are another's"),
    postgresql_partition_by="RANGE (sequenced_at)",
)
