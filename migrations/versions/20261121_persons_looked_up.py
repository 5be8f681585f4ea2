"""Who looked at me: the access log by person, and whom an entry shows beside those that its row names.

Revision: 20261121_persons_looked_up, after 20261121_requests. Only adds: code of before runs on.
Building the two indexes holds up writers of the access log for as long as that takes.
"""

from alembic import op

from registry.storage.migrations import run_script

revision = "20261121_persons_looked_up"
down_revision = "20261121_requests"
branch_labels = None
depends_on = None

ADDED = """
CREATE INDEX ix_access_log_principal_index_at ON access_log (principal_index, at);
CREATE INDEX ix_access_log_representative_index_at ON access_log (representative_index, at);

CREATE TABLE access_log_persons (
    entry_id UUID NOT NULL,
    at timestamptz NOT NULL,
    party_index BYTEA NOT NULL,
    CONSTRAINT pk_access_log_persons PRIMARY KEY (entry_id, at, party_index)
) PARTITION BY RANGE (at);
CREATE INDEX ix_access_log_persons_party_index_at ON access_log_persons (party_index, at);
COMMENT ON TABLE access_log_persons IS 'Whom an entry shows beside those that its own row names';
COMMENT ON COLUMN access_log_persons.entry_id IS 'the id of a row of access_log, of the same time';
CREATE TABLE access_log_persons_default PARTITION OF access_log_persons DEFAULT;
CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE ON access_log_persons
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON access_log_persons
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON access_log_persons_default
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT SELECT ON access_log_persons, access_log_persons_default TO registry_app, registry_reader;
GRANT INSERT ON access_log_persons TO registry_app;

CREATE OR REPLACE FUNCTION add_partitions(first_month date, months integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    added integer := 0;
    parent text;
    step integer;
BEGIN
    IF months NOT BETWEEN 1 AND 24 THEN
        RAISE EXCEPTION 'add 1 to 24 months at a time' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('add_partitions'));
    FOREACH parent IN ARRAY ARRAY['mandate_events', 'access_log', 'access_log_persons'] LOOP
        FOR step IN 0 .. months - 1 LOOP
            IF add_partition(parent, (date_trunc('month', first_month::timestamp) + step * interval '1 month')::date)
            THEN
                added := added + 1;
            END IF;
        END LOOP;
    END LOOP;
    RETURN added;
END $$;
"""


def upgrade() -> None:
    """Add the indexes and the table, with its partitions, guards and grants."""
    run_script(op.get_bind(), ADDED)
    op.execute("SELECT add_partitions(current_date, 4)")
