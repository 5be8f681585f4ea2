"""Templates: records, and the versions as queries see them (a projection beyond drafts)."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from registry.storage.tables.metadata import metadata, moment

templates = Table(
    "templates",
    metadata,
    Column("template_id", Uuid, primary_key=True),
    Column("third_party", Text, nullable=False, comment="scheme:value"),
    Column("created_at", moment, nullable=False),
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
    Column("updated_at", moment, nullable=False),
    Column("published_at", moment),
    Column("replaced_at", moment),
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
    Column("published_at", moment, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    ForeignKeyConstraint(
        ["template_id", "version"], ["template_versions.template_id", "template_versions.version"]
    ),
)

template_retirements = Table(
    "template_retirements",
    metadata,
    Column("template_id", Uuid, ForeignKey("templates.template_id"), primary_key=True),
    Column("retired_at", moment, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)
