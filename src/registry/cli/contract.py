"""`registry openapi`: the contract as a file."""

from pathlib import Path
from typing import Annotated

import typer

from registry.api.app import create_api
from registry.api.contract import contract_json
from registry.api.contract_problems import problems_markdown
from registry.interop.minaombud.description import surface_json


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(openapi)


def openapi(
    write: Annotated[
        Path | None, typer.Option(help="Write the contract to this file, and the others beside it.")
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option(help="Exit with 1 unless this file and those beside it hold the contract.", exists=True),
    ] = None,
) -> None:
    """Print the OpenAPI contract, write it, or check such files.

    Beside it: the list of problem types, and the contract of Mina ombud's clients.
    """
    contract = contract_json(create_api())
    if write is not None:
        for path, text in _files(write, contract).items():
            path.write_text(text, encoding="utf-8")
    elif check is None:
        typer.echo(contract, nl=False)
    else:
        for path, text in _files(check, contract).items():
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                typer.echo(f"{path} differs from the code: run `make openapi`.", err=True)
                raise typer.Exit(1)


def _files(path: Path, contract: str) -> dict[Path, str]:
    return {
        path: contract,
        path.with_name("problems.md"): problems_markdown(),
        path.with_name("minaombud.json"): surface_json(),
    }
