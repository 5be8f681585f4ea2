"""`registry demo`: what a tester needs to act as a test person."""

import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from registry.demo.eid import parse_person
from registry.demo.minaombud import user_token
from registry.demo.testers import id_token_command, sign_command

group = typer.Typer(help="Act as a test person of the demo.", no_args_is_help=True)

Person = Annotated[str, typer.Option(help="A test person: a number as 198602262381, or scheme:value.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group, name="demo")


@group.command()
def sign(person: Person) -> None:
    """Sign what stands on standard input (`to_be_signed` of a preview) as a test person."""
    typer.echo(sign_command(person, sys.stdin.buffer.read().strip(), datetime.now(UTC)))


@group.command("id-token")
def id_token(
    person: Person,
    audience: Annotated[str, typer.Option(help="The client that acts for the person.")] = "demo-platform",
) -> None:
    """An id token for the header `Id-Token`, good for five minutes."""
    typer.echo(id_token_command(person, audience, datetime.now(UTC)))


@group.command("mina-ombud-token")
def mina_ombud_token(
    person: Annotated[str | None, typer.Option(help="The test person who is a party.")] = None,
    username: Annotated[str | None, typer.Option(help="The case handler's user name.")] = None,
) -> None:
    """An id token for Mina ombud's header `X-Id-Token`, good for five minutes."""
    party = None if person is None else parse_person(person)
    typer.echo(user_token(now=datetime.now(UTC), person=party, username=username))
