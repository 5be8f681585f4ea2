"""`registry keys`: create, rotate and list the registry's keys."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from registry.cli.settings import load_settings
from registry.domain.documents import utc_text
from registry.signing.keys import create_key_file, load_key_ring, new_key_ring, save_key_ring

group = typer.Typer(help="The registry's keys, in the file REGISTRY_KEYS_FILE.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group, name="keys")


@group.command()
def create() -> None:
    """Create the key file. Refuses to replace one: without its keys nothing recorded can be read."""
    path = load_settings().keys_file
    try:
        create_key_file(path, new_key_ring(datetime.now(UTC)))
    except FileExistsError:
        typer.echo(f"{path} is there already; rotate with `registry keys rotate`.", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"Created {path}. Back it up, apart from the database.")


@group.command()
def rotate(
    active_in: Annotated[
        int,
        typer.Option(
            min=0, help="Minutes until the new key signs; caches of the public keys learn it meanwhile."
        ),
    ] = 10,
    *,
    log: Annotated[
        bool, typer.Option("--log", help="Add a key of the transparency log: the old one signs beside it.")
    ] = False,
) -> None:
    """Add a signing key. Serving processes take it up by themselves; old keys stay, to verify."""
    settings = load_settings()
    now, delay, ring = datetime.now(UTC), timedelta(minutes=active_in), load_key_ring(settings.keys_file)
    if log:
        ring = ring.log_rotated(now, active_in=delay)
        save_key_ring(settings.keys_file, ring)
        added_for_log = ring.log[-1]
        verifier = added_for_log.key.verifier(settings.log_origin or settings.derived_log_origin)
        typer.echo(f"Log key {verifier.text} signs from {utc_text(added_for_log.active_from)}.")
        return
    ring = ring.rotated(now, active_in=delay)
    save_key_ring(settings.keys_file, ring)
    added = ring.signing[-1]
    typer.echo(f"Key {added.key.kid} signs from {utc_text(added.active_from)}.")


@group.command("list")
def list_keys() -> None:
    """List the signing keys by id and the log keys as their verifiers: which verify, sign now, will sign."""
    now, settings = datetime.now(UTC), load_settings()
    ring = load_key_ring(settings.keys_file)
    current = ring.signing_key(now).kid
    for dated in ring.signing:
        state = "will sign" if dated.active_from > now else "verifies"
        mark = "signs now" if dated.key.kid == current else state
        typer.echo(f"{dated.key.kid}  from {utc_text(dated.active_from)}  {mark}")
    signers = ring.log_signers(now)
    for dated_for_log in ring.log:
        verifier = dated_for_log.key.verifier(settings.log_origin or settings.derived_log_origin)
        state = "will sign" if dated_for_log.active_from > now else "verifies"
        mark = "signs now" if dated_for_log.key in signers else state
        typer.echo(f"log {verifier.text}  from {utc_text(dated_for_log.active_from)}  {mark}")
