"""Sealed entries: records about requests, restrictions and approvals.

Revision: 20261121_sealed_entries, after 20261121_first. Only adds: code of before runs on.
"""

from alembic import op

from registry.storage.migrations import run_script

revision = "20261121_sealed_entries"
down_revision = "20261121_first"
branch_labels = None
depends_on = None

ADDED = """
CREATE TABLE sealed_entries (
    subject_id UUID NOT NULL,
    number INTEGER NOT NULL,
    kind TEXT NOT NULL,
    type TEXT NOT NULL,
    recorded_at timestamptz NOT NULL,
    commitment BYTEA NOT NULL,
    ciphertext BYTEA NOT NULL,
    CONSTRAINT pk_sealed_entries PRIMARY KEY (subject_id, number)
);
CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE ON sealed_entries
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON sealed_entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT ON sealed_entries TO registry_app, registry_reader;
GRANT INSERT ON sealed_entries TO registry_app;
"""


def upgrade() -> None:
    """Add the table with its guards and grants."""
    run_script(op.get_bind(), ADDED)
