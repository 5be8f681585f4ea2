"""Keys that can be destroyed, and who looked at whom (records)."""

from sqlalchemy import Column, Index, LargeBinary, SmallInteger, Table, Text, Uuid

from registry.storage.tables.metadata import metadata, moment

erasable_secrets = Table(
    "erasable_secrets",
    metadata,
    Column("subject_id", Uuid, primary_key=True),
    Column("kek_number", SmallInteger, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("created_at", moment, nullable=False),
)

access_log = Table(
    "access_log",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("at", moment, primary_key=True),
    Column("client_id", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("principal_index", LargeBinary),
    Column("representative_index", LargeBinary),
    Column("decision", Text),
    Column("rules_version", SmallInteger, nullable=False),
    Column("secret_id", Uuid, nullable=False, comment="the month's key in erasable_secrets"),
    Column("ciphertext", LargeBinary, nullable=False),
    Index(None, "principal_index", "at"),
    Index(None, "representative_index", "at"),
    postgresql_partition_by="RANGE (at)",
)

access_log_persons = Table(
    "access_log_persons",
    metadata,
    Column("entry_id", Uuid, primary_key=True, comment="the id of a row of access_log, of the same time"),
    Column("at", moment, primary_key=True),
    Column("party_index", LargeBinary, primary_key=True),
    Index(None, "party_index", "at"),
    comment="Whom an entry shows beside those that its own row names",
    postgresql_partition_by="RANGE (at)",
)
