"""Who calls, and what they have sent before. Settings and queues."""

from sqlalchemy import Column, Index, Integer, LargeBinary, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from registry.storage.tables.metadata import metadata, moment

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
    Column("created_at", moment, nullable=False),
    Column("disabled_at", moment),
    Column(
        "return_urls",
        ARRAY(Text),
        nullable=False,
        server_default=text("'{}'"),
        comment="where signers may be sent back to: origin and path prefix",
    ),
)

assertions_seen = Table(
    "assertions_seen",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("jti", Text, primary_key=True),
    Column("expires_at", moment, nullable=False),
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
    Column("created_at", moment, nullable=False),
    Index(None, "created_at"),
)
