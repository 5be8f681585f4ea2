"""Approvals: the projection of their sealed entries that verification reads.

Revision: 20261121_approvals, after 20261121_persons_looked_up. Only adds: code of before runs on.
"""

from alembic import op

from registry.storage.migrations import run_script

revision = "20261121_approvals"
down_revision = "20261121_persons_looked_up"
branch_labels = None
depends_on = None

ADDED = """
CREATE TABLE approval_states (
    approval_id UUID NOT NULL,
    third_party TEXT NOT NULL,
    principal_index BYTEA NOT NULL,
    representative_index BYTEA NOT NULL,
    permission TEXT NOT NULL,
    content_index BYTEA NOT NULL,
    requested_at timestamptz NOT NULL,
    deadline timestamptz NOT NULL,
    decision TEXT,
    decided_at timestamptz,
    entry_count INTEGER NOT NULL,
    CONSTRAINT pk_approval_states PRIMARY KEY (approval_id)
);
CREATE INDEX ix_approval_states_representative_index_approval_id
    ON approval_states (representative_index, approval_id);
COMMENT ON COLUMN approval_states.content_index IS 'blind index of the content''s digest';
GRANT SELECT ON approval_states TO registry_app, registry_reader;
GRANT INSERT, UPDATE, DELETE ON approval_states TO registry_app;
"""


def upgrade() -> None:
    """Add the table with its grants."""
    run_script(op.get_bind(), ADDED)
