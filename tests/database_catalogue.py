"""What a database holds apart from rows: read from PostgreSQL's catalogue, to compare two databases."""

import asyncpg

Catalogue = dict[str, list[str]]

_QUERIES = {
    "tables": """
        SELECT c.relname, c.relkind, pg_get_partkeydef(c.oid), obj_description(c.oid, 'pg_class')
        FROM ours c WHERE c.relkind IN ('r', 'p')""",
    "columns": """
        SELECT c.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
            pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum)
        FROM ours c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
        WHERE c.relkind IN ('r', 'p')""",
    "constraints": """
        SELECT c.relname, k.conname, pg_get_constraintdef(k.oid)
        FROM ours c JOIN pg_constraint k ON k.conrelid = c.oid WHERE k.contype <> 'n'""",
    "indexes": """
        SELECT c.relname, pg_get_indexdef(i.indexrelid) FROM ours c JOIN pg_index i ON i.indrelid = c.oid""",
    "triggers": """
        SELECT c.relname, pg_get_triggerdef(t.oid)
        FROM ours c JOIN pg_trigger t ON t.tgrelid = c.oid WHERE NOT t.tgisinternal""",
    "privileges": "SELECT c.relname, pg_get_userbyid(c.relowner), c.relacl::text FROM ours c",
    "functions": """
        SELECT p.proname, pg_get_functiondef(p.oid), p.proacl::text
        FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
        WHERE p.pronamespace = 'public'::regnamespace AND l.lanname = 'plpgsql'""",
    "revision": "SELECT version_num, xmin::text FROM alembic_version",
}
_OURS = """
    WITH ours AS (
        SELECT * FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname !~ '^alembic_version'
            AND ($1::bool OR NOT relispartition)
    ) """
TABLES = ("tables", "columns", "constraints", "indexes")
"""What models declare; the rest is the migrations' own."""


async def read_catalogue(url: str, *kinds: str, partitions: bool = True) -> Catalogue:
    """Everything of these kinds (all, unless named) as sorted text, of partitions too unless not wanted."""
    connection = await asyncpg.connect(url)
    try:
        return {
            kind: sorted(
                str(tuple(row)) for row in await connection.fetch(_OURS + _QUERIES[kind], partitions)
            )
            for kind in (kinds or _QUERIES)
        }
    finally:
        await connection.close()
