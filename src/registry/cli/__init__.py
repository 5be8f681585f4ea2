"""The `registry` command. Each group of commands has a file of its own; `dev` is what `make run` calls."""

import sys

import typer

from registry.cli import clients, contract, database, demo, dev, keys, serve
from registry.domain.errors import InvalidInputError, RegistryError
from registry.embedded.errors import EmbeddedPostgresError
from registry.signing.keys import KeyFileError

app = typer.Typer(
    name="registry",
    help="A registry of mandates and consents.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    add_completion=False,
)
for commands in (dev, serve, database, contract):
    commands.register(app)
app.add_typer(keys.app, name="keys")
app.add_typer(clients.app, name="clients")
app.add_typer(demo.app, name="demo")


def main() -> None:
    """Run the command line. Exit codes: 0 done, 1 something is wrong, 2 wrong usage."""
    try:
        app()
    except InvalidInputError as error:
        for fault in error.faults:
            typer.echo(f"{fault.pointer.lstrip('/')}: {fault.message}", err=True)
        sys.exit(2)
    except (RegistryError, KeyFileError, EmbeddedPostgresError) as error:
        typer.echo(f"registry: {error}", err=True)
        sys.exit(1)
    except OSError as error:
        typer.echo(f"registry: {error.strerror or error}", err=True)
        sys.exit(1)
