"""PostgreSQL for a machine that has none: a supervisor over its binaries.

`with EmbeddedPostgres(data_dir) as server:` makes the data if it is not there, starts a server as an
unprivileged user, and stops it at the end. The server listens on a Unix socket alone. As long as one
process is inside its `with`, there is a server: the first one owns it, the others use it, and one of
them takes over when the owner ends or is killed.
"""

from registry.embedded.databases import ensure_database
from registry.embedded.errors import EmbeddedPostgresError
from registry.embedded.server import EmbeddedPostgres

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError", "ensure_database"]
