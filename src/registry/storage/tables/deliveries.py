"""Statutory deliveries: a projection of the evidence of the mandates that an authority delivered."""

from sqlalchemy import Column, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY

from registry.storage.tables.metadata import metadata, moment

statutory_deliveries = Table(
    "statutory_deliveries",
    metadata,
    Column("third_party", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column(
        "mandate_ids",
        ARRAY(Uuid),
        nullable=False,
        comment="in the order delivered; what was delivered is their evidence",
    ),
    Column("delivered_at", moment, nullable=False),
)
