"""The one error of this package."""


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL could not be found, made, started or attached to.

    The message says what is wrong and what would be right; where the server or `initdb` has
    failed, it ends with the last lines of the server's log.
    """
