"""RSA keys that sign in a third party's name, for partners that verify nothing else."""

from sqlalchemy import Column, Index, LargeBinary, SmallInteger, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from registry.storage.tables.metadata import metadata, moment

third_party_keys = Table(
    "third_party_keys",
    metadata,
    Column("kid", Text, primary_key=True),
    Column("third_party", Text, nullable=False),
    Column("public_jwk", JSONB, nullable=False),
    Column("active_from", moment, nullable=False),
    Column("withdrawn_at", moment, comment="since when nobody is to trust it any more"),
    Column("kek_number", SmallInteger, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("ciphertext", LargeBinary, nullable=False, comment="the private JWK"),
    Index(None, "third_party", "active_from"),
)
