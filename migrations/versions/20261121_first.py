"""The first tables: clients, templates, mandates with their projections, the access log.

Revision: 20261121_first, the beginning
"""

from alembic import op

from registry.storage.migrations import run_script

revision = "20261121_first"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE access_log (
    id UUID NOT NULL,
    at timestamptz NOT NULL,
    client_id TEXT NOT NULL,
    operation TEXT NOT NULL,
    principal_index BYTEA,
    representative_index BYTEA,
    decision TEXT,
    rules_version SMALLINT NOT NULL,
    secret_id UUID NOT NULL,
    ciphertext BYTEA NOT NULL,
    CONSTRAINT pk_access_log PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);
COMMENT ON COLUMN access_log.secret_id IS 'the month''s key in erasable_secrets';

CREATE TABLE assertions_seen (
    client_id TEXT NOT NULL,
    jti TEXT NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT pk_assertions_seen PRIMARY KEY (client_id, jti)
);
CREATE INDEX ix_assertions_seen_expires_at ON assertions_seen (expires_at);
COMMENT ON TABLE assertions_seen IS 'jti of client assertions, each good for one use (RFC 7523 section 3)';

CREATE TABLE clients (
    client_id TEXT NOT NULL,
    issuer TEXT,
    organisation TEXT NOT NULL,
    scopes TEXT[] NOT NULL,
    departments TEXT[] NOT NULL,
    secret_hash TEXT,
    public_keys JSONB,
    created_at timestamptz NOT NULL,
    disabled_at timestamptz,
    CONSTRAINT pk_clients PRIMARY KEY (client_id)
);
COMMENT ON COLUMN clients.issuer IS 'Whose tokens name this client; null is the built-in token endpoint';
COMMENT ON COLUMN clients.organisation IS 'scheme:value';
COMMENT ON COLUMN clients.secret_hash IS 'scrypt, for client_secret_*';
COMMENT ON COLUMN clients.public_keys IS 'JWK set, for private_key_jwt';

CREATE TABLE erasable_secrets (
    subject_id UUID NOT NULL,
    kek_number SMALLINT NOT NULL,
    wrapped BYTEA NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_erasable_secrets PRIMARY KEY (subject_id)
);

CREATE TABLE idempotency_keys (
    client_id TEXT NOT NULL,
    key TEXT NOT NULL,
    operation TEXT NOT NULL,
    request_digest BYTEA NOT NULL,
    object_id UUID NOT NULL,
    object_version INTEGER,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_idempotency_keys PRIMARY KEY (client_id, key)
);
CREATE INDEX ix_idempotency_keys_created_at ON idempotency_keys (created_at);
COMMENT ON COLUMN idempotency_keys.request_digest IS 'keyed digest of the request';

CREATE TABLE mandate_events (
    mandate_id UUID NOT NULL,
    number INTEGER NOT NULL,
    recorded_at timestamptz NOT NULL,
    event_id UUID NOT NULL,
    type TEXT NOT NULL,
    commitment BYTEA NOT NULL,
    ciphertext BYTEA NOT NULL,
    CONSTRAINT pk_mandate_events PRIMARY KEY (mandate_id, number, recorded_at)
) PARTITION BY RANGE (recorded_at);

CREATE TABLE mandate_records (
    mandate_id UUID NOT NULL,
    issued_at timestamptz NOT NULL,
    commitment BYTEA NOT NULL,
    ciphertext BYTEA NOT NULL,
    CONSTRAINT pk_mandate_records PRIMARY KEY (mandate_id)
);

CREATE TABLE templates (
    template_id UUID NOT NULL,
    third_party TEXT NOT NULL,
    created_at timestamptz NOT NULL,
    created_by TEXT NOT NULL,
    CONSTRAINT pk_templates PRIMARY KEY (template_id)
);
CREATE INDEX ix_templates_third_party ON templates (third_party);
COMMENT ON COLUMN templates.third_party IS 'scheme:value';

CREATE TABLE mandate_endings (
    mandate_id UUID NOT NULL,
    event_id UUID NOT NULL,
    type TEXT NOT NULL,
    ended_at timestamptz NOT NULL,
    CONSTRAINT pk_mandate_endings PRIMARY KEY (mandate_id),
    CONSTRAINT fk_mandate_endings_mandate_id FOREIGN KEY (mandate_id) REFERENCES mandate_records (mandate_id)
);

CREATE TABLE mandate_evidence (
    mandate_id UUID NOT NULL,
    position SMALLINT NOT NULL,
    ciphertext BYTEA NOT NULL,
    CONSTRAINT pk_mandate_evidence PRIMARY KEY (mandate_id, position),
    CONSTRAINT fk_mandate_evidence_mandate_id FOREIGN KEY (mandate_id) REFERENCES mandate_records (mandate_id)
);

CREATE TABLE mandate_states (
    mandate_id UUID NOT NULL,
    third_party TEXT NOT NULL,
    principal_index BYTEA NOT NULL,
    principal_role TEXT NOT NULL,
    specifier_index BYTEA,
    content_index BYTEA NOT NULL,
    kind TEXT NOT NULL,
    basis TEXT NOT NULL,
    template_id UUID NOT NULL,
    template_version INTEGER NOT NULL,
    permissions TEXT[] NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_until timestamptz,
    issued_at timestamptz NOT NULL,
    event_count INTEGER NOT NULL,
    last_digest BYTEA NOT NULL,
    uses INTEGER NOT NULL,
    max_uses INTEGER,
    changes JSONB NOT NULL,
    ended_at timestamptz,
    used_up_at timestamptz,
    is_suspended BOOLEAN DEFAULT false NOT NULL,
    CONSTRAINT pk_mandate_states PRIMARY KEY (mandate_id),
    CONSTRAINT fk_mandate_states_mandate_id FOREIGN KEY (mandate_id) REFERENCES mandate_records (mandate_id)
);
CREATE INDEX ix_mandate_states_content_index ON mandate_states (content_index);
CREATE INDEX ix_mandate_states_principal_index_mandate_id ON mandate_states (principal_index, mandate_id);
CREATE INDEX ix_mandate_states_third_party_mandate_id ON mandate_states (third_party, mandate_id);
COMMENT ON COLUMN mandate_states.content_index IS 'blind index of the digest that was signed';
COMMENT ON COLUMN mandate_states.last_digest IS 'SHA-256 of the newest sealed bytes';
COMMENT ON COLUMN mandate_states.changes IS '[[type, at, recorded_at], ...] that decide status';

CREATE TABLE template_retirements (
    template_id UUID NOT NULL,
    retired_at timestamptz NOT NULL,
    sealed BYTEA NOT NULL,
    CONSTRAINT pk_template_retirements PRIMARY KEY (template_id),
    CONSTRAINT fk_template_retirements_template_id FOREIGN KEY (template_id) REFERENCES templates (template_id)
);

CREATE TABLE template_versions (
    template_id UUID NOT NULL,
    version INTEGER NOT NULL,
    third_party TEXT NOT NULL,
    department TEXT,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    is_current BOOLEAN NOT NULL,
    services TEXT[] NOT NULL,
    permission_codes TEXT[] NOT NULL,
    content JSONB NOT NULL,
    search_text TEXT NOT NULL,
    updated_at timestamptz NOT NULL,
    published_at timestamptz,
    replaced_at timestamptz,
    CONSTRAINT pk_template_versions PRIMARY KEY (template_id, version),
    CONSTRAINT ck_template_versions_status CHECK (status in ('draft', 'published', 'retired')),
    CONSTRAINT fk_template_versions_template_id FOREIGN KEY (template_id) REFERENCES templates (template_id)
);
CREATE INDEX ix_template_versions_permission_codes ON template_versions USING gin (permission_codes);
CREATE INDEX ix_template_versions_search_text ON template_versions USING gin (search_text gin_trgm_ops);
CREATE INDEX ix_template_versions_services ON template_versions USING gin (services);
CREATE INDEX ix_template_versions_third_party ON template_versions (third_party);
CREATE INDEX ix_template_versions_updated_at ON template_versions (updated_at);
COMMENT ON COLUMN template_versions.is_current IS 'the newest published version';
COMMENT ON COLUMN template_versions.search_text IS 'every text, folded for search';

CREATE TABLE representations (
    mandate_id UUID NOT NULL,
    position SMALLINT NOT NULL,
    third_party TEXT NOT NULL,
    principal_index BYTEA NOT NULL,
    representative_index BYTEA NOT NULL,
    principal_role TEXT NOT NULL,
    specifier_index BYTEA,
    permissions TEXT[] NOT NULL,
    services TEXT[] NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_until timestamptz,
    issued_at timestamptz NOT NULL,
    changes JSONB,
    together SMALLINT NOT NULL,
    approval BOOLEAN NOT NULL,
    principal_below SMALLINT,
    representative_from SMALLINT,
    CONSTRAINT pk_representations PRIMARY KEY (mandate_id, position),
    CONSTRAINT fk_representations_mandate_id FOREIGN KEY (mandate_id) REFERENCES mandate_states (mandate_id)
);
CREATE INDEX ix_representations_question ON representations (representative_index, third_party, principal_index);
COMMENT ON COLUMN representations.changes IS 'as in mandate_states; null while there are none';

CREATE TABLE template_publications (
    template_id UUID NOT NULL,
    version INTEGER NOT NULL,
    published_at timestamptz NOT NULL,
    sealed BYTEA NOT NULL,
    CONSTRAINT pk_template_publications PRIMARY KEY (template_id, version),
    CONSTRAINT fk_template_publications_template_id_version FOREIGN KEY (template_id, version) REFERENCES template_versions (template_id, version)
);
"""

RECORD_TABLES = (
    "templates",
    "template_publications",
    "template_retirements",
    "mandate_records",
    "mandate_evidence",
    "mandate_events",
    "mandate_endings",
    "access_log",
)

GUARDS = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on %: records never change', TG_OP, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

CREATE FUNCTION refuse_published_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status = 'draft' THEN
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    IF TG_OP = 'UPDATE'
        AND (OLD.content, OLD.template_id, OLD.version, OLD.third_party, OLD.department, OLD.kind, OLD.services,
             OLD.permission_codes, OLD.published_at)
        IS NOT DISTINCT FROM
            (NEW.content, NEW.template_id, NEW.version, NEW.third_party, NEW.department, NEW.kind, NEW.services,
             NEW.permission_codes, NEW.published_at)
        AND (OLD.status = NEW.status OR NEW.status = 'retired')
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% on %: a published version never changes', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER published_is_frozen BEFORE UPDATE OR DELETE ON template_versions
    FOR EACH ROW EXECUTE FUNCTION refuse_published_change();
CREATE TRIGGER versions_are_kept BEFORE TRUNCATE ON template_versions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION add_partition(parent text, month date) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE name text := format('%s_%s', parent, to_char(month, 'YYYYMM'));
BEGIN
    IF to_regclass(name) IS NOT NULL THEN
        RETURN false;
    END IF;
    BEGIN
        EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', name, parent,
            month::timestamp AT TIME ZONE 'UTC', (month + interval '1 month')::timestamp AT TIME ZONE 'UTC');
    EXCEPTION WHEN check_violation THEN
        -- The default partition has rows of this month already: it keeps the whole month.
        RETURN false;
    END;
    EXECUTE format('CREATE TRIGGER never_truncated BEFORE TRUNCATE ON %I
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
    EXECUTE format('GRANT SELECT ON %I TO registry_app, registry_reader', name);
    RETURN true;
END $$;

CREATE FUNCTION add_partitions(first_month date, months integer) RETURNS integer
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
    FOREACH parent IN ARRAY ARRAY['mandate_events', 'access_log'] LOOP
        FOR step IN 0 .. months - 1 LOOP
            IF add_partition(parent, (date_trunc('month', first_month::timestamp) + step * interval '1 month')::date)
            THEN
                added := added + 1;
            END IF;
        END LOOP;
    END LOOP;
    RETURN added;
END $$;
REVOKE ALL ON FUNCTION add_partition(text, date) FROM PUBLIC;
REVOKE ALL ON FUNCTION add_partitions(date, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION add_partitions(date, integer) TO registry_app;

CREATE TABLE mandate_events_default PARTITION OF mandate_events DEFAULT;
CREATE TABLE access_log_default PARTITION OF access_log DEFAULT;
"""

PRIVILEGES = """
GRANT SELECT ON ALL TABLES IN SCHEMA public TO registry_app, registry_reader;
REVOKE ALL ON clients, assertions_seen FROM registry_reader;
GRANT INSERT ON templates, template_publications, template_retirements, mandate_records, mandate_evidence,
    mandate_events, mandate_endings, access_log, erasable_secrets TO registry_app;
GRANT INSERT, UPDATE, DELETE ON template_versions, clients, assertions_seen, idempotency_keys TO registry_app;
GRANT INSERT, UPDATE, DELETE ON mandate_states, representations TO registry_app;
"""


def upgrade() -> None:
    """Create everything; nothing was there before."""
    run_script(op.get_bind(), TABLES)
    run_script(op.get_bind(), GUARDS)
    for table in (*RECORD_TABLES, "mandate_events_default", "access_log_default"):
        if not table.endswith("_default"):
            op.execute(
                f"CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
            )
        op.execute(
            f"CREATE TRIGGER never_truncated BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    run_script(op.get_bind(), PRIVILEGES)
    op.execute("SELECT add_partitions(current_date, 4)")
