"""What time brings about for mandates, and the cases in which they are used. Rebuildable projections."""

from sqlalchemy import Column, Index, Integer, Table, Uuid

from registry.storage.tables.metadata import metadata, moment

mandate_timers = Table(
    "mandate_timers",
    metadata,
    Column("mandate_id", Uuid, primary_key=True),
    Column("due_at", moment, nullable=False),
    Column("warning_days", Integer, comment="null: the mandate expires"),
    Index(None, "due_at"),
    comment="The next moment of each mandate that has an end and has not ended",
)

open_uses = Table(
    "open_uses",
    metadata,
    Column("mandate_id", Uuid, primary_key=True),
    Column("use_id", Uuid, primary_key=True),
    Column("number", Integer, nullable=False, comment="of the sealed event that holds the case"),
)
