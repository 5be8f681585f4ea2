"""Mandate requests, and where clients may have signers sent back to.

Revision: 20261121_requests, after 20261121_restrictions. Only adds: code of before runs on.
"""

from alembic import op

from registry.storage.migrations import run_script

revision = "20261121_requests"
down_revision = "20261121_restrictions"
branch_labels = None
depends_on = None

ADDED = """
ALTER TABLE clients ADD COLUMN return_urls TEXT[] DEFAULT '{}' NOT NULL;
COMMENT ON COLUMN clients.return_urls IS 'where signers may be sent back to: origin and path prefix';
CREATE TABLE request_states (
    request_id UUID NOT NULL,
    third_party TEXT NOT NULL,
    principal_index BYTEA NOT NULL,
    representative_indexes BYTEA[] NOT NULL,
    signer_indexes BYTEA[] NOT NULL,
    waiting_indexes BYTEA[] NOT NULL,
    template_id UUID NOT NULL,
    template_version INTEGER NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    entry_count INTEGER NOT NULL,
    ended_by TEXT,
    mandate_id UUID,
    CONSTRAINT pk_request_states PRIMARY KEY (request_id)
);
COMMENT ON COLUMN request_states.signer_indexes IS 'everybody who may sign';
COMMENT ON COLUMN request_states.waiting_indexes IS 'who may still sign';
COMMENT ON COLUMN request_states.ended_by IS
    'type of the entry that ended it; a lapse may not be recorded yet';
COMMENT ON COLUMN request_states.mandate_id IS 'what was issued';
CREATE INDEX ix_request_states_third_party_request_id ON request_states (third_party, request_id);
CREATE INDEX ix_request_states_principal_index_request_id ON request_states (principal_index, request_id);
CREATE INDEX ix_request_states_representative_indexes ON request_states USING gin (representative_indexes);
CREATE INDEX ix_request_states_signer_indexes ON request_states USING gin (signer_indexes);
CREATE INDEX ix_request_states_waiting_indexes ON request_states USING gin (waiting_indexes);
CREATE INDEX ix_request_states_open ON request_states (expires_at) WHERE ended_by IS NULL;
GRANT SELECT ON request_states TO registry_app, registry_reader;
GRANT INSERT, UPDATE, DELETE ON request_states TO registry_app;
"""


def upgrade() -> None:
    """Add the table and the column."""
    run_script(op.get_bind(), ADDED)
