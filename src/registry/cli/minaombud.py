"""`registry minaombud`: the keys that sign in third parties' names what Mina ombud's clients are answered."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar

import typer

from registry.cli.settings import load_settings
from registry.domain.documents import utc_text
from registry.domain.errors import InvalidPartyIdError
from registry.domain.parties import Party
from registry.interop.minaombud.numbers import read_third_party
from registry.operations.third_party_keys import (
    current_key,
    ensure_third_party_keys,
    rotate_third_party_key,
    withdraw_third_party_key,
)
from registry.signing.keys import KeyRing, load_key_ring
from registry.storage.database import Database, open_database

group = typer.Typer(help="Keys that sign for third parties, for Mina ombud's clients.", no_args_is_help=True)

T = TypeVar("T")


def _third_party(text: str) -> Party:
    try:
        return read_third_party(text)
    except InvalidPartyIdError as error:
        raise typer.BadParameter(error.message) from None


ThirdParty = Annotated[Party, typer.Argument(parser=_third_party, help="The organisation number.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group, name="minaombud")


@group.command()
def keys(third_party: ThirdParty) -> None:
    """List a third party's keys by id; its first one is made now, where it has none yet."""
    now = datetime.now(UTC)
    known = _run(lambda database, ring: ensure_third_party_keys(database, ring, third_party, now=now))
    if not known:
        typer.echo("This organisation owns no template: it signs nothing.", err=True)
        raise typer.Exit(1)
    current = current_key(known, now)
    for item in known:
        state = "will sign" if item.active_from > now else "verifies"
        if item.withdrawn_at is not None:
            state = f"withdrawn {utc_text(item.withdrawn_at)}"
        mark = "signs now" if item is current else state
        typer.echo(f"{item.kid}  from {utc_text(item.active_from)}  {mark}")


@group.command("rotate-key")
def rotate_key(
    third_party: ThirdParty,
    active_in: Annotated[
        int,
        typer.Option(min=0, help="Minutes until it signs; clients that keep public keys learn it meanwhile."),
    ] = 60,
) -> None:
    """Add a key, published now. Those before it stay published, so that what they signed verifies."""
    now, delay = datetime.now(UTC), timedelta(minutes=active_in)
    added = _run(
        lambda database, ring: rotate_third_party_key(database, ring, third_party, active_in=delay, now=now)
    )
    typer.echo(f"Key {added.kid} signs from {utc_text(added.active_from)}.")


@group.command("withdraw-key")
def withdraw_key(third_party: ThirdParty, kid: str) -> None:
    """Publish a key no more, within a minute: nothing that it signed verifies any longer."""
    now = datetime.now(UTC)
    _run(lambda database, _: withdraw_third_party_key(database, third_party, kid, now=now))
    typer.echo(f"Withdrew {kid}.")


def _run(act: Callable[[Database, KeyRing], Awaitable[T]]) -> T:
    settings = load_settings()
    ring = load_key_ring(settings.keys_file)

    async def run() -> T:
        database = await open_database(settings.database_url.get_secret_value(), pool_size=1, hot_pool_size=1)
        try:
            return await act(database, ring)
        finally:
            await database.close()

    return asyncio.run(run())
