"""RSA keys that sign in a third party's name.

Revision: 20261122_third_party_keys, after 20261122_events. Only adds: code of before runs on.
"""

from alembic import op

from registry.storage.migrations import run_script

revision = "20261122_third_party_keys"
down_revision = "20261122_events"
branch_labels = None
depends_on = None

ADDED = """
CREATE TABLE third_party_keys (
    kid TEXT NOT NULL,
    third_party TEXT NOT NULL,
    public_jwk JSONB NOT NULL,
    active_from timestamptz NOT NULL,
    withdrawn_at timestamptz,
    kek_number SMALLINT NOT NULL,
    wrapped BYTEA NOT NULL,
    ciphertext BYTEA NOT NULL,
    CONSTRAINT pk_third_party_keys PRIMARY KEY (kid)
);
CREATE INDEX ix_third_party_keys_third_party_active_from ON third_party_keys (third_party, active_from);
COMMENT ON COLUMN third_party_keys.withdrawn_at IS 'since when nobody is to trust it any more';
COMMENT ON COLUMN third_party_keys.ciphertext IS 'the private JWK';
GRANT SELECT ON third_party_keys TO registry_app, registry_reader;
GRANT INSERT ON third_party_keys TO registry_app;
GRANT UPDATE (withdrawn_at) ON third_party_keys TO registry_app;
"""


def upgrade() -> None:
    """Add the table with its grants."""
    run_script(op.get_bind(), ADDED)
