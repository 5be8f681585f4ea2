"""The transparency log: what waits for it, its entries, its tiles, its signed checkpoints."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
)

from registry.storage.tables.metadata import metadata

log_queue = Table(
    "log_queue",
    metadata,
    Column("position", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject_id", Uuid, nullable=False),
    Column("number", Integer, nullable=False),
    Column("commitment", LargeBinary, nullable=False),
    comment="records that are not in the log yet, each queued by a trigger on its table",
)

log_entries = Table(
    "log_entries",
    metadata,
    Column("leaf_index", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("subject_id", Uuid, nullable=False),
    Column("number", Integer, nullable=False),
    Column(
        "entry", LargeBinary, nullable=False, comment="as published; the columns before it are read from it"
    ),
    Index(None, "subject_id", "kind"),
)

log_tiles = Table(
    "log_tiles",
    metadata,
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("tile_index", BigInteger, primary_key=True, autoincrement=False),
    Column("hashes", LargeBinary, nullable=False, comment="up to 256 of 32 bytes; only ever extended"),
    CheckConstraint("length(hashes) between 32 and 8192 and length(hashes) % 32 = 0", name="hashes"),
)

log_checkpoints = Table(
    "log_checkpoints",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("note", Text, nullable=False, comment="as published, signed"),
)
