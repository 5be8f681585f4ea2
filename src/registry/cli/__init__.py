"""The `registry` command. Each group of commands has a file of its own; `dev` is what `make run` calls."""

import gc
import sys
from importlib import import_module

import typer

from registry.domain.errors import InvalidInputError, OperatorError, RegistryError

_MODULES = {
    "dev": "dev",
    "serve": "serve",
    "worker": "serve",
    "migrate": "database",
    "fsck": "database",
    "openapi": "contract",
    "keys": "keys",
    "clients": "clients",
    "demo": "demo",
    "minaombud": "minaombud",
    "verify": "verify",
}
"""Which file of this package has a command."""


def command_line(wanted: str | None = None) -> typer.Typer:
    """The whole command line or, with the name of a command, as much of it as that one needs.

    Most of a start is importing, and no command needs everything.
    """
    app = typer.Typer(
        name="registry",
        help="A registry of mandates and consents.",
        no_args_is_help=True,
        pretty_exceptions_show_locals=False,
        add_completion=False,
    )
    # With a callback it stays a group of commands, also where it has only one.
    app.callback()(lambda: None)
    modules = [_MODULES[wanted]] if wanted in _MODULES else dict.fromkeys(_MODULES.values())
    for module in modules:
        import_module(f"registry.cli.{module}").register(app)
    return app


def main() -> None:
    """Run the command line. Exit codes: 0 done, 1 something is wrong, 2 wrong usage."""
    # Modules are no garbage: looking for some while they are imported takes a sixth of the time.
    gc.disable()
    app = command_line(sys.argv[1] if len(sys.argv) > 1 else None)
    gc.freeze()
    gc.enable()
    try:
        app()
    except InvalidInputError as error:
        for fault in error.faults:
            typer.echo(f"{fault.pointer.lstrip('/')}: {fault.message}", err=True)
        sys.exit(2)
    except (RegistryError, OperatorError) as error:
        typer.echo(f"registry: {error}", err=True)
        sys.exit(1)
    except OSError as error:
        typer.echo(f"registry: {error.strerror or error}", err=True)
        sys.exit(1)
