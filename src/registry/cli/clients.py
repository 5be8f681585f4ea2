"""`registry clients`: who may call."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from registry.cli.settings import load_settings
from registry.domain.callers import Scope
from registry.operations.manage_clients import (
    ClientRegistration,
    disable_registered_client,
    list_registered_clients,
    register_client,
    rotate_client_secret,
)
from registry.storage.database import Database, open_database

group = typer.Typer(help="Clients: who may call, for which organisation.", no_args_is_help=True)

T = TypeVar("T")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group, name="clients")


@group.command()
def add(
    client_id: Annotated[str, typer.Argument(help="The client's id, unique in this registry.")],
    organisation: Annotated[str, typer.Option(help="Whose client it is: scheme:value.")],
    scope: Annotated[list[str], typer.Option(help=f"May be repeated. One of: {', '.join(Scope)}.")],
    department: Annotated[
        list[str] | None, typer.Option(help="Limit it to templates of this department. May be repeated.")
    ] = None,
    issuer: Annotated[str | None, typer.Option(help="Another issuer whose tokens name this client.")] = None,
    jwks: Annotated[
        Path | None,
        typer.Option(help="File with the client's public keys, for private_key_jwt.", exists=True),
    ] = None,
    return_url: Annotated[
        list[str] | None,
        typer.Option(help="Where signers may be sent back to: https origin and path. May be repeated."),
    ] = None,
) -> None:
    """Register a client. Its secret, where it has one, is shown once."""
    registration = ClientRegistration(
        client_id=client_id,
        organisation=organisation,
        scopes=tuple(scope),
        departments=tuple(department or ()),
        issuer=issuer,
        jwks=None if jwks is None else _read_json(jwks),
        return_urls=tuple(return_url or ()),
    )
    client, secret = _run(lambda database: register_client(database, registration, now=datetime.now(UTC)))
    typer.echo(f"Registered {client.client_id} for {client.organisation}.")
    if secret is not None:
        typer.echo(f"Secret, shown this once: {secret}")


@group.command("list")
def list_clients() -> None:
    """List every client with its organisation and scopes, and where signers may be sent back to."""
    for client in _run(list_registered_clients):
        state = "disabled" if client.disabled_at else (client.issuer or "built-in tokens")
        returns = f"  returns to {' '.join(client.return_urls)}" if client.return_urls else ""
        scopes = " ".join(sorted(client.scopes))
        typer.echo(f"{client.client_id}  {client.organisation}  {state}  {scopes}{returns}")


@group.command()
def disable(client_id: str) -> None:
    """Disable a client: tokens it has are refused within a minute."""
    _run(lambda database: disable_registered_client(database, client_id, now=datetime.now(UTC)))
    typer.echo(f"Disabled {client_id}.")


@group.command("rotate-secret")
def rotate_secret(client_id: str) -> None:
    """Give a client a new secret, shown once; the old one stops working now."""
    secret = _run(lambda database: rotate_client_secret(database, client_id))
    typer.echo(f"Secret, shown this once: {secret}")


def _run(act: Callable[[Database], Awaitable[T]]) -> T:
    settings = load_settings()

    async def run() -> T:
        database = await open_database(settings.database_url.get_secret_value(), pool_size=1, hot_pool_size=1)
        try:
            return await act(database)
        finally:
            await database.close()

    return asyncio.run(run())


def _read_json(path: Path) -> dict[str, object]:
    try:
        document = json.loads(path.read_bytes())
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise typer.BadParameter(f"{path.name} does not hold a JSON object")
    return document
