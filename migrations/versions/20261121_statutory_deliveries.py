"""Statutory deliveries: which mandates an authority's own delivery of this source and key stands for.

Revision: 20261121_statutory_deliveries, after 20261121_approvals. Only adds: code of before runs on.
"""

from alembic import op

from registry.storage.migrations import run_script

revision = "20261121_statutory_deliveries"
down_revision = "20261121_approvals"
branch_labels = None
depends_on = None

ADDED = """
CREATE TABLE statutory_deliveries (
    third_party TEXT NOT NULL,
    source TEXT NOT NULL,
    key TEXT NOT NULL,
    mandate_ids UUID[] NOT NULL,
    delivered_at timestamptz NOT NULL,
    CONSTRAINT pk_statutory_deliveries PRIMARY KEY (third_party, source, key)
);
COMMENT ON COLUMN statutory_deliveries.mandate_ids IS 'in the order delivered; what was delivered is their evidence';
GRANT SELECT ON statutory_deliveries TO registry_app, registry_reader;
GRANT INSERT, UPDATE ON statutory_deliveries TO registry_app;
"""


def upgrade() -> None:
    """Add the table with its grants."""
    run_script(op.get_bind(), ADDED)
