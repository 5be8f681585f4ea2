"""`registry verify`: checks an evidence bundle or a receipt offline: no settings, no database, no network."""

from pathlib import Path
from typing import Annotated

import typer

from registry.proofs.bundle import BundleError, read_bundle
from registry.proofs.check_bundle import CheckedBundle, check_bundle
from registry.proofs.check_receipt import check_receipt
from registry.proofs.verdict import Outcome, Trust, Verdict
from registry.tlog.notes import NoteError, VerifierKey, parse_verifier_key

_READABLE = {"exists": True, "dir_okay": False, "readable": True}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(verify)


def verify(
    file: Annotated[
        Path, typer.Argument(help="An evidence bundle (JSON), or a receipt (a JWS).", **_READABLE)
    ],
    jwks: Annotated[
        Path | None,
        typer.Option(help="The registry's key set, got from it when you trusted the way.", **_READABLE),
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(help="Verifier key (name+id+key) of the log, or of a witness. May be repeated."),
    ] = None,
    bundle: Annotated[
        Path | None,
        typer.Option(help="With a receipt: the bundle of the mandate that it names.", **_READABLE),
    ] = None,
) -> None:
    """Check a bundle or a receipt, and say in plain words what it proves and what not.

    Exits with 0 where all is proved by the keys given, 1 where something is wrong, 2 for wrong usage, and 3
    where a bundle agrees with itself but not all keys were given.
    """
    trust = Trust(None if jwks is None else jwks.read_bytes(), _keys(key or []))
    data = file.read_bytes().strip()
    if data.startswith(b"{"):
        verdict, _ = _check_bundle(data, trust)
        outcome = _show(verdict)
    else:
        outcome = _check_receipt(data, trust, bundle)
    raise typer.Exit(outcome)


def _check_receipt(data: bytes, trust: Trust, bundle: Path | None) -> Outcome:
    if trust.jwks is None:
        raise typer.BadParameter("a receipt brings no keys along: give the registry's with --jwks")
    outcome, checked = Outcome.PROVED, None
    if bundle is not None:
        verdict, checked = _check_bundle(bundle.read_bytes(), trust)
        outcome = _show(verdict)
        typer.echo("")
        if checked is None:
            return outcome
    of_receipt = _show(check_receipt(data.decode("ascii", "replace"), trust.jwks, checked))
    return Outcome.REFUSED if of_receipt is Outcome.REFUSED else outcome


def _check_bundle(data: bytes, trust: Trust) -> tuple[Verdict, CheckedBundle | None]:
    try:
        return check_bundle(read_bundle(data), trust)
    except BundleError as error:
        verdict = Verdict("Evidence bundle")
        verdict.broken = f"The file is not a bundle: {error}"
        return verdict, None


def _show(verdict: Verdict) -> Outcome:
    typer.echo(verdict.text)
    return verdict.outcome


def _keys(texts: list[str]) -> tuple[VerifierKey, ...]:
    try:
        return tuple(parse_verifier_key(text) for text in texts)
    except NoteError as error:
        raise typer.BadParameter(f"--key: {error}") from error
