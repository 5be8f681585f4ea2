"""The transparency log: a queue that triggers fill, entries, tiles, checkpoints.

Revision: 20261122_transparency_log, after 20261122_third_party_keys. Only adds: code of before runs on, and
what it records is queued, too. What was recorded before is queued here.
"""

from alembic import op

from registry.storage.migrations import run_script

revision = "20261122_transparency_log"
down_revision = "20261122_third_party_keys"
branch_labels = None
depends_on = None

ADDED = """
CREATE TABLE log_queue (
    position BIGINT GENERATED ALWAYS AS IDENTITY,
    kind TEXT NOT NULL,
    subject_id UUID NOT NULL,
    number INTEGER NOT NULL,
    commitment BYTEA NOT NULL,
    CONSTRAINT pk_log_queue PRIMARY KEY (position)
);
COMMENT ON TABLE log_queue IS 'records that are not in the log yet, each queued by a trigger on its table';
CREATE TABLE log_entries (
    leaf_index BIGINT NOT NULL,
    kind TEXT NOT NULL,
    subject_id UUID NOT NULL,
    number INTEGER NOT NULL,
    entry BYTEA NOT NULL,
    CONSTRAINT pk_log_entries PRIMARY KEY (leaf_index)
);
CREATE INDEX ix_log_entries_subject_id_kind ON log_entries (subject_id, kind);
COMMENT ON COLUMN log_entries.entry IS 'as published; the columns before it are read from it';
CREATE TABLE log_tiles (
    level SMALLINT NOT NULL,
    tile_index BIGINT NOT NULL,
    hashes BYTEA NOT NULL,
    CONSTRAINT pk_log_tiles PRIMARY KEY (level, tile_index),
    CONSTRAINT ck_log_tiles_hashes CHECK (length(hashes) between 32 and 8192 and length(hashes) % 32 = 0)
);
COMMENT ON COLUMN log_tiles.hashes IS 'up to 256 of 32 bytes; only ever extended';
CREATE TABLE log_checkpoints (
    number BIGINT NOT NULL,
    size BIGINT NOT NULL,
    root BYTEA NOT NULL,
    note TEXT NOT NULL,
    CONSTRAINT pk_log_checkpoints PRIMARY KEY (number)
);
COMMENT ON COLUMN log_checkpoints.note IS 'as published, signed';

CREATE FUNCTION refuse_tile_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (OLD.level, OLD.tile_index) = (NEW.level, NEW.tile_index)
        AND substring(NEW.hashes FOR length(OLD.hashes)) = OLD.hashes
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% on %: a tile is only ever extended', TG_OP, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER only_extended BEFORE UPDATE OR DELETE ON log_tiles FOR EACH ROW EXECUTE FUNCTION refuse_tile_change();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON log_tiles FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE ON log_entries FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON log_entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE ON log_checkpoints FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON log_checkpoints FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION template_commitment(sealed bytea) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE
    -- Templates are published as they are: their salt is 32 zero bytes.
    RETURN sha256(decode('01' || repeat('00', 32), 'hex') || sealed);

CREATE FUNCTION queue_mandate_record() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO log_queue (kind, subject_id, number, commitment) VALUES ('mandate', NEW.mandate_id, 0, NEW.commitment);
    RETURN NULL;
END $$;
CREATE FUNCTION queue_mandate_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO log_queue (kind, subject_id, number, commitment)
        VALUES ('mandate', NEW.mandate_id, NEW.number, NEW.commitment);
    RETURN NULL;
END $$;
CREATE FUNCTION queue_sealed_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO log_queue (kind, subject_id, number, commitment)
        VALUES (NEW.kind, NEW.subject_id, NEW.number, NEW.commitment);
    RETURN NULL;
END $$;
CREATE FUNCTION queue_template_publication() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO log_queue (kind, subject_id, number, commitment)
        VALUES ('template', NEW.template_id, NEW.version, template_commitment(NEW.sealed));
    RETURN NULL;
END $$;
CREATE FUNCTION queue_template_retirement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO log_queue (kind, subject_id, number, commitment)
        VALUES ('retirement', NEW.template_id, 0, template_commitment(NEW.sealed));
    RETURN NULL;
END $$;

-- Making a trigger waits for who is recording and keeps others waiting until this is committed: nothing is
-- recorded between what is queued below and what the triggers queue.
CREATE TRIGGER queued_for_log AFTER INSERT ON mandate_records
    FOR EACH ROW EXECUTE FUNCTION queue_mandate_record();
CREATE TRIGGER queued_for_log AFTER INSERT ON mandate_events
    FOR EACH ROW EXECUTE FUNCTION queue_mandate_event();
CREATE TRIGGER queued_for_log AFTER INSERT ON sealed_entries
    FOR EACH ROW EXECUTE FUNCTION queue_sealed_entry();
CREATE TRIGGER queued_for_log AFTER INSERT ON template_publications
    FOR EACH ROW EXECUTE FUNCTION queue_template_publication();
CREATE TRIGGER queued_for_log AFTER INSERT ON template_retirements
    FOR EACH ROW EXECUTE FUNCTION queue_template_retirement();

INSERT INTO log_queue (kind, subject_id, number, commitment)
    SELECT kind, subject_id, number, commitment FROM (
        SELECT 'mandate' AS kind, mandate_id AS subject_id, 0 AS number, commitment, issued_at AS at
            FROM mandate_records
        UNION ALL SELECT 'mandate', mandate_id, number, commitment, recorded_at FROM mandate_events
        UNION ALL SELECT kind, subject_id, number, commitment, recorded_at FROM sealed_entries
        UNION ALL SELECT 'template', template_id, version, template_commitment(sealed), published_at
            FROM template_publications
        UNION ALL SELECT 'retirement', template_id, 0, template_commitment(sealed), retired_at
            FROM template_retirements
    ) AS recorded ORDER BY at, subject_id, number;

GRANT SELECT ON log_queue, log_entries, log_tiles, log_checkpoints TO registry_app, registry_reader;
GRANT INSERT, DELETE ON log_queue TO registry_app;
GRANT INSERT ON log_entries, log_checkpoints TO registry_app;
GRANT INSERT, UPDATE ON log_tiles TO registry_app;
"""


def upgrade() -> None:
    """Add the tables with their guards, triggers and grants, and queue what is there."""
    run_script(op.get_bind(), ADDED)
