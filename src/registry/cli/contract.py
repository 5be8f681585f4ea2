"""`registry openapi`: the contract as a file."""

from pathlib import Path
from typing import Annotated

import typer

from registry.api.app import create_api
from registry.api.contract import contract_json


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(openapi)


def openapi(
    write: Annotated[Path | None, typer.Option(help="Write the contract to this file.")] = None,
    check: Annotated[
        Path | None, typer.Option(help="Exit with 1 unless this file holds the contract.", exists=True)
    ] = None,
) -> None:
    """Print the OpenAPI contract, write it, or check a file against it."""
    contract = contract_json(create_api())
    if write is not None:
        write.write_text(contract, encoding="utf-8")
    elif check is None:
        typer.echo(contract, nl=False)
    elif check.read_text(encoding="utf-8") != contract:
        typer.echo(f"{check} differs from the code: run `make openapi`.", err=True)
        raise typer.Exit(1)
