"""Brings a database to the newest revision, by the scripts in `migrations/` of the checkout or wheel."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from registry.domain.errors import OperatorError

_PACKAGE = Path(__file__).resolve().parents[1]


class MigrationError(OperatorError):
    """The database could not be migrated; it is as it was."""


def migrations_config(url: str) -> Config:
    """An Alembic configuration for this database, with the scripts that came with this code."""
    bundled = _PACKAGE / "migrations"
    location = bundled if bundled.is_dir() else _PACKAGE.parents[1] / "migrations"
    config = Config()
    config.set_main_option("script_location", str(location).replace("%", "%%"))
    config.attributes["database_url"] = url
    return config


def migrate(url: str) -> None:
    """Run every missing migration in one transaction, blocking; must not be called inside an event loop.

    Raises MigrationError, which says why, and OSError where the server cannot be reached.
    """
    try:
        command.upgrade(migrations_config(url), "head")
    except DBAPIError as error:
        reason = error.orig.__cause__ or error.orig if error.orig else error
        raise MigrationError(f"The database could not be migrated, and is as it was: {reason}.") from error


def run_script(connection: Connection, script: str) -> None:
    """Run several statements at once in the open transaction, which a prepared statement cannot."""
    adapted = connection.connection.dbapi_connection
    if adapted is None:
        raise RuntimeError("the connection is closed")
    adapted.run_async(lambda driver: driver.execute(script))
