"""The three database roles, so that what may never happen is refused by the database itself.

`registry_owner` owns the tables and runs migrations; `registry_app` reads, adds records and updates only
projections and queues; `registry_reader` only reads. None can log in: a login is a member of one of them,
and every connection takes its role at start.
"""

from sqlalchemy import Connection, text

OWNER = "registry_owner"
APP = "registry_app"
READER = "registry_reader"

_CREATE = """
DO $$
DECLARE
    name text;
    -- From PostgreSQL 16 on, who creates a role may hand it out, but not take it.
    needed text := CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'MEMBER' ELSE 'SET' END;
BEGIN
    FOREACH name IN ARRAY ARRAY['registry_owner', 'registry_app', 'registry_reader'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;
            END;
        END IF;
        IF NOT pg_has_role(current_user, name, needed) THEN
            EXECUTE format('GRANT %I TO CURRENT_USER', name);
        END IF;
    END LOOP;
END $$
"""


def create_roles(connection: Connection) -> None:
    """Create the roles and the trigram extension where they are missing, and let the owner create tables.

    Runs as the migrating login, which owns the database and, on first use, may create roles. Idempotent.
    """
    connection.execute(text(_CREATE))
    connection.execute(text("CREATE EXTENSION IF NOT EXISTS pg_trgm"))
    connection.execute(text(f"GRANT USAGE, CREATE ON SCHEMA public TO {OWNER}"))
    connection.execute(text(f"GRANT USAGE ON SCHEMA public TO {APP}, {READER}"))
