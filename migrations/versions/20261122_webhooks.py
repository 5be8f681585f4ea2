"""Webhooks: endpoints, what is delivered to them, and each attempt.

Revision: 20261122_webhooks, after 20261122_transparency_log. Only adds: code of before runs on.
"""

from alembic import op

from registry.storage.migrations import run_script

revision = "20261122_webhooks"
down_revision = "20261122_transparency_log"
branch_labels = None
depends_on = None

ADDED = """
CREATE TABLE webhook_endpoints (
    id UUID NOT NULL,
    audience BYTEA NOT NULL,
    client_id TEXT NOT NULL,
    departments TEXT[] NOT NULL,
    event_types TEXT[] NOT NULL,
    template_ids UUID[] NOT NULL,
    services TEXT[] NOT NULL,
    format TEXT NOT NULL,
    rate_per_second INTEGER NOT NULL,
    concurrency INTEGER NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    status_since timestamptz NOT NULL,
    proven_at timestamptz,
    created_at timestamptz NOT NULL,
    deleted_at timestamptz,
    version INTEGER NOT NULL,
    ciphertext BYTEA NOT NULL,
    CONSTRAINT pk_webhook_endpoints PRIMARY KEY (id)
);
CREATE INDEX ix_webhook_endpoints_audience_id ON webhook_endpoints (audience, id);
COMMENT ON COLUMN webhook_endpoints.audience IS 'blind index of the organisation';
COMMENT ON COLUMN webhook_endpoints.departments IS 'empty: all';
COMMENT ON COLUMN webhook_endpoints.template_ids IS 'empty: all';
COMMENT ON COLUMN webhook_endpoints.services IS 'empty: all';
COMMENT ON COLUMN webhook_endpoints.version IS 'counts the changes';
COMMENT ON COLUMN webhook_endpoints.ciphertext IS 'address and secrets';

CREATE TABLE webhook_paces (
    endpoint_id UUID NOT NULL,
    next_start_at timestamptz,
    failing_since timestamptz,
    CONSTRAINT pk_webhook_paces PRIMARY KEY (endpoint_id)
);
COMMENT ON TABLE webhook_paces IS 'What deliveries tell of an endpoint; workers write it';
COMMENT ON COLUMN webhook_paces.next_start_at IS 'by its rate, or since it throttles';

CREATE TABLE webhook_deliveries (
    endpoint_id UUID NOT NULL,
    id UUID NOT NULL,
    sequence BIGINT,
    sequenced_at timestamptz,
    type TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    created_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    lease_id UUID,
    tries INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    finished_at timestamptz,
    CONSTRAINT pk_webhook_deliveries PRIMARY KEY (endpoint_id, id)
);
CREATE INDEX ix_webhook_deliveries_waiting ON webhook_deliveries (endpoint_id, due_at, sequence)
    WHERE state = 'waiting';
CREATE INDEX ix_webhook_deliveries_exhausted ON webhook_deliveries (endpoint_id, id) WHERE state = 'exhausted';
COMMENT ON COLUMN webhook_deliveries.id IS 'the event''s, or a ping''s own';
COMMENT ON COLUMN webhook_deliveries.sequence IS 'null: a ping';
COMMENT ON COLUMN webhook_deliveries.due_at IS 'while leased: when the lease ends';
COMMENT ON COLUMN webhook_deliveries.tries IS 'since it was last asked for';

CREATE TABLE webhook_attempts (
    endpoint_id UUID NOT NULL,
    delivery_id UUID NOT NULL,
    number INTEGER NOT NULL,
    at timestamptz NOT NULL,
    status INTEGER,
    failure TEXT,
    duration_ms INTEGER NOT NULL,
    ciphertext BYTEA,
    CONSTRAINT pk_webhook_attempts PRIMARY KEY (endpoint_id, delivery_id, number, at)
) PARTITION BY RANGE (at);
COMMENT ON COLUMN webhook_attempts.ciphertext IS 'the beginning of the answer, under the endpoint''s key';
CREATE TABLE webhook_attempts_default PARTITION OF webhook_attempts DEFAULT;

GRANT SELECT ON webhook_endpoints, webhook_paces, webhook_deliveries, webhook_attempts, webhook_attempts_default
    TO registry_app, registry_reader;
GRANT INSERT, UPDATE, DELETE ON webhook_endpoints, webhook_paces, webhook_deliveries TO registry_app;
GRANT INSERT ON webhook_attempts TO registry_app;
"""

PARTITIONS = """
CREATE FUNCTION add_attempt_partitions(first_month date, months integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    added integer := 0;
    month date;
    name text;
BEGIN
    IF months NOT BETWEEN 1 AND 24 THEN
        RAISE EXCEPTION 'add 1 to 24 months at a time' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('add_partitions'));
    FOR step IN 0 .. months - 1 LOOP
        month := (date_trunc('month', first_month::timestamp) + step * interval '1 month')::date;
        name := format('webhook_attempts_%s', to_char(month, 'YYYYMM'));
        CONTINUE WHEN to_regclass(name) IS NOT NULL;
        BEGIN
            EXECUTE format('CREATE TABLE %I PARTITION OF webhook_attempts FOR VALUES FROM (%L) TO (%L)', name,
                month::timestamp AT TIME ZONE 'UTC', (month + interval '1 month')::timestamp AT TIME ZONE 'UTC');
        EXCEPTION WHEN check_violation THEN
            -- The default partition has rows of this month already: it keeps the whole month.
            CONTINUE;
        END;
        EXECUTE format('GRANT SELECT ON %I TO registry_app, registry_reader', name);
        added := added + 1;
    END LOOP;
    RETURN added;
END $$;

CREATE FUNCTION drop_attempt_partitions(kept_from timestamptz) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    dropped integer := 0;
    name text;
BEGIN
    IF kept_from > now() - interval '60 days' THEN
        RAISE EXCEPTION 'attempts are kept for 60 days at least' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('add_partitions'));
    DELETE FROM webhook_attempts_default WHERE at < kept_from;
    FOR name IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'webhook_attempts'::regclass AND c.relname ~ '^webhook_attempts_[0-9]{6}$'
            AND (to_date(right(c.relname, 6), 'YYYYMM') + interval '1 month')::timestamp AT TIME ZONE 'UTC'
                <= kept_from
    LOOP
        EXECUTE format('DROP TABLE %I', name);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END $$;
REVOKE ALL ON FUNCTION add_attempt_partitions(date, integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION drop_attempt_partitions(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION add_attempt_partitions(date, integer) TO registry_app;
GRANT EXECUTE ON FUNCTION drop_attempt_partitions(timestamptz) TO registry_app;
SELECT add_attempt_partitions(current_date, 4);
"""


def upgrade() -> None:
    """Add the tables with their grants and partitions."""
    for script in (ADDED, PARTITIONS):
        run_script(op.get_bind(), script)
