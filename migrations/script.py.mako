"""${message}

Revision: ${up_revision}, follows ${down_revision | comma,n}
"""

from alembic import op
import sqlalchemy as sa
${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand only: code from before this revision keeps working."""
    ${upgrades if upgrades else "pass"}
