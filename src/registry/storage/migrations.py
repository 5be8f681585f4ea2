"""Brings a database to the newest revision, by the scripts in `migrations/` of the checkout or wheel."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

_PACKAGE = Path(__file__).resolve().parents[1]


def migrations_config(url: str) -> Config:
    """An Alembic configuration for this database, with the scripts that came with this code."""
    bundled = _PACKAGE / "migrations"
    location = bundled if bundled.is_dir() else _PACKAGE.parents[1] / "migrations"
    config = Config()
    config.set_main_option("script_location", str(location).replace("%", "%%"))
    config.attributes["database_url"] = url
    return config


def migrate(url: str) -> None:
    """Run every missing migration, blocking; must not be called inside an event loop."""
    command.upgrade(migrations_config(url), "head")


def run_script(connection: Connection, script: str) -> None:
    """Run several statements at once in the open transaction, which a prepared statement cannot."""
    adapted = connection.connection.dbapi_connection
    if adapted is None:
        raise RuntimeError("the connection is closed")
    adapted.run_async(lambda driver: driver.execute(script))
