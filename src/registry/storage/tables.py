"""Every table, declared once. Migrations create them; a test holds the two equal.

Record tables (immutable, by grants and triggers): templates, template_publications, template_retirements,
mandate_records, mandate_evidence, mandate_events, mandate_endings, access_log. They hold ids, times,
commitments and ciphertext, nothing personal.
Projections (rebuildable): template_versions beyond drafts, mandate_states, representations.
Queues and settings: idempotency_keys, clients. Erasable: erasable_secrets.
"""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)

_time = DateTime(timezone=True)

clients = Table(
    "clients",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("issuer", Text, comment="Whose tokens name this client; null is the built-in token endpoint"),
    Column("organisation", Text, nullable=False, comment="scheme:value"),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("departments", ARRAY(Text), nullable=False),
    Column("secret_hash", Text, comment="scrypt, for client_secret_*"),
    Column("public_keys", JSONB(none_as_null=True), comment="JWK set, for private_key_jwt"),
    Column("created_at", _time, nullable=False),
    Column("disabled_at", _time),
)

assertions_seen = Table(
    "assertions_seen",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("jti", Text, primary_key=True),
    Column("expires_at", _time, nullable=False),
    Index(None, "expires_at"),
    comment="jti of client assertions, each good for one use (RFC 7523 section 3)",
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("operation", Text, nullable=False),
    Column("request_digest", LargeBinary, nullable=False, comment="keyed digest of the request"),
    Column("object_id", Uuid, nullable=False),
    Column("object_version", Integer),
    Column("created_at", _time, nullable=False),
    Index(None, "created_at"),
)

templates = Table(
    "templates",
    metadata,
    Column("template_id", Uuid, primary_key=True),
    Column("third_party", Text, nullable=False, comment="scheme:value"),
    Column("created_at", _time, nullable=False),
    Column("created_by", Text, nullable=False),
    Index(None, "third_party"),
)

template_versions = Table(
    "template_versions",
    metadata,
    Column("template_id", Uuid, ForeignKey("templates.template_id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("third_party", Text, nullable=False),
    Column("department", Text),
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("is_current", Boolean, nullable=False, comment="the newest published version"),
    Column("services", ARRAY(Text), nullable=False),
    Column("permission_codes", ARRAY(Text), nullable=False),
    Column("content", JSONB, nullable=False),
    Column("search_text", Text, nullable=False, comment="every text, folded for search"),
    Column("updated_at", _time, nullable=False),
    Column("published_at", _time),
    Column("replaced_at", _time),
    CheckConstraint("status in ('draft', 'published', 'retired')", name="status"),
    Index("ix_template_versions_services", "services", postgresql_using="gin"),
    Index("ix_template_versions_permission_codes", "permission_codes", postgresql_using="gin"),
    Index(
        "ix_template_versions_search_text",
        "search_text",
        postgresql_using="gin",
        postgresql_ops={"search_text": "gin_trgm_ops"},
    ),
    Index(None, "third_party"),
    Index(None, "updated_at"),
)

template_publications = Table(
    "template_publications",
    metadata,
    Column("template_id", Uuid, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("published_at", _time, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    ForeignKeyConstraint(
        ["template_id", "version"], ["template_versions.template_id", "template_versions.version"]
    ),
)

template_retirements = Table(
    "template_retirements",
    metadata,
    Column("template_id", Uuid, ForeignKey("templates.template_id"), primary_key=True),
    Column("retired_at", _time, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)

erasable_secrets = Table(
    "erasable_secrets",
    metadata,
    Column("subject_id", Uuid, primary_key=True),
    Column("kek_number", SmallInteger, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("created_at", _time, nullable=False),
)

mandate_records = Table(
    "mandate_records",
    metadata,
    Column("mandate_id", Uuid, primary_key=True),
    Column("issued_at", _time, nullable=False),
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
    Column("recorded_at", _time, primary_key=True),
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
    Column("ended_at", _time, nullable=False),
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
    Column("valid_from", _time, nullable=False),
    Column("valid_until", _time),
    Column("issued_at", _time, nullable=False),
    Column("event_count", Integer, nullable=False),
    Column("last_digest", LargeBinary, nullable=False, comment="SHA-256 of the newest sealed bytes"),
    Column("uses", Integer, nullable=False),
    Column("max_uses", Integer),
    Column("changes", JSONB, nullable=False, comment="[[type, at, recorded_at], ...] that decide status"),
    Column("ended_at", _time),
    Column("used_up_at", _time),
    Column("is_suspended", Boolean, nullable=False, server_default=text("false")),
    Index(None, "third_party", "mandate_id"),
    Index(None, "principal_index", "mandate_id"),
    Index(None, "content_index"),
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
    Column("valid_from", _time, nullable=False),
    Column("valid_until", _time),
    Column("issued_at", _time, nullable=False),
    Column("changes", JSONB(none_as_null=True), comment="as in mandate_states; null while there are none"),
    Column("together", SmallInteger, nullable=False),
    Column("approval", Boolean, nullable=False),
    Column("principal_below", SmallInteger),
    Column("representative_from", SmallInteger),
    Index("ix_representations_question", "representative_index", "third_party", "principal_index"),
)

access_log = Table(
    "access_log",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("at", _time, primary_key=True),
    Column("client_id", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("principal_index", LargeBinary),
    Column("representative_index", LargeBinary),
    Column("decision", Text),
    Column("rules_version", SmallInteger, nullable=False),
    Column("secret_id", Uuid, nullable=False, comment="the month's key in erasable_secrets"),
    Column("ciphertext", LargeBinary, nullable=False),
    postgresql_partition_by="RANGE (at)",
)

RECORD_TABLES = (
    "templates",
    "template_publications",
    "template_retirements",
    "mandate_records",
    "mandate_evidence",
    "mandate_events",
    "mandate_endings",
    "access_log",
)
"""Tables whose rows never change and never go."""

PARTITIONED_TABLES = ("mandate_events", "access_log")
"""Record tables partitioned by month."""
