"""Approvals: the role in which the principal grants, and what finding them by third party or principal needs.

Revision: 20261122_approval_roles, after 20261121_statutory_deliveries. Only adds: code of before runs on.
"""

from alembic import op

from registry.storage.migrations import run_script

revision = "20261122_approval_roles"
down_revision = "20261121_statutory_deliveries"
branch_labels = None
depends_on = None

ADDED = """
ALTER TABLE approval_states ADD COLUMN principal_role TEXT;
COMMENT ON COLUMN approval_states.principal_role IS 'null: as what the principal is';
CREATE INDEX ix_approval_states_third_party_approval_id ON approval_states (third_party, approval_id);
CREATE INDEX ix_approval_states_principal_index_approval_id ON approval_states (principal_index, approval_id);
"""


def upgrade() -> None:
    """Add the column and the indexes."""
    run_script(op.get_bind(), ADDED)
