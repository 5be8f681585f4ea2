"""A process of its own that uses an embedded PostgreSQL until its standard input ends.

Run as `python holding_process.py DATA_DIR [fork]`. It prints one line of JSON when the server is there, and
one for each line it reads. With `fork` it first leaves a forked child behind, which does nothing but
live until its standard input ends. An error is printed as `{"error": message}`.
"""

import json
import os
import sys
from pathlib import Path

from registry.embedded import EmbeddedPostgres, EmbeddedPostgresError


def say(**values: object) -> None:
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


def main() -> None:
    try:
        with EmbeddedPostgres(Path(sys.argv[1]), settings={"fsync": "off"}) as server:
            child = os.fork() if "fork" in sys.argv else None
            if child == 0:
                sys.stdin.read()
                os._exit(0)
            while True:
                say(dsn=server.dsn(), data_dir=str(server.data_dir), is_owner=server.is_owner, child=child)
                if not sys.stdin.readline():
                    break
    except EmbeddedPostgresError as error:
        say(error=str(error))


if __name__ == "__main__":
    main()
