"""Sub-mandates: which mandates stand above one, in both projections.

Revision: 20261121_sub_mandates, after 20261121_sealed_entries. Only adds: code of before runs on.
"""

from alembic import op

from registry.storage.migrations import run_script

revision = "20261121_sub_mandates"
down_revision = "20261121_sealed_entries"
branch_labels = None
depends_on = None

ADDED = """
ALTER TABLE mandate_states ADD COLUMN ancestors uuid[];
COMMENT ON COLUMN mandate_states.ancestors IS 'root first, parent last; null for a direct mandate';
CREATE INDEX ix_mandate_states_ancestors ON mandate_states USING gin (ancestors) WHERE ancestors IS NOT NULL;
ALTER TABLE representations ADD COLUMN ancestors uuid[];
COMMENT ON COLUMN representations.ancestors IS 'as in mandate_states';
"""


def upgrade() -> None:
    """Add the columns, and the index by which what hangs below a mandate is found."""
    run_script(op.get_bind(), ADDED)
