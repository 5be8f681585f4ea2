"""Restrictions: the projection of their sealed entries that verification reads.

Revision: 20261121_restrictions, after 20261121_sub_mandates. Only adds: code of before runs on.
"""

from alembic import op

from registry.storage.migrations import run_script

revision = "20261121_restrictions"
down_revision = "20261121_sub_mandates"
branch_labels = None
depends_on = None

ADDED = """
CREATE TABLE restriction_states (
    restriction_id UUID NOT NULL,
    subject_index BYTEA NOT NULL,
    scope TEXT NOT NULL,
    representative_index BYTEA,
    service TEXT,
    third_party TEXT,
    imposed_by TEXT NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_until timestamptz,
    imposed_at timestamptz NOT NULL,
    lifted_at timestamptz,
    entry_count INTEGER NOT NULL,
    CONSTRAINT pk_restriction_states PRIMARY KEY (restriction_id)
);
CREATE INDEX ix_restriction_states_subject_index_restriction_id
    ON restriction_states (subject_index, restriction_id);
CREATE INDEX ix_restriction_states_imposed_by_restriction_id ON restriction_states (imposed_by, restriction_id);
COMMENT ON COLUMN restriction_states.third_party IS 'null: everywhere';
GRANT SELECT ON restriction_states TO registry_app, registry_reader;
GRANT INSERT, UPDATE, DELETE ON restriction_states TO registry_app;
"""


def upgrade() -> None:
    """Add the table with its grants."""
    run_script(op.get_bind(), ADDED)
