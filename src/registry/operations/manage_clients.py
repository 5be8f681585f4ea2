"""Register, list and disable clients, and give them new secrets: acts of whoever operates the registry."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from registry.domain.callers import Scope
from registry.domain.documents import Document, Json
from registry.domain.errors import (
    ConflictError,
    Fault,
    InvalidInputError,
    InvalidPartyIdError,
    NotFoundError,
)
from registry.domain.return_urls import is_return_address
from registry.identity.client_assertions import read_client_keys
from registry.identity.client_secrets import hash_client_secret, new_client_secret
from registry.identity.schemes import parse_organisation
from registry.operations.record_attempts import endpoint_disabled
from registry.storage.clients import (
    Client,
    add_client,
    disable_client,
    get_client,
    list_clients,
    replace_client_secret,
)
from registry.storage.database import Database
from registry.storage.endpoints import disable_endpoints_of_client
from registry.storage.outbox import enqueue

_CLIENT_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~:@/-]{0,127}")
_TEXT: Final = re.compile(r"(?! )[^\x00-\x1f\x7f-\x9f]{1,255}(?<! )")


class ClientExistsError(ConflictError):
    """There is a client of this id, which may be disabled: an id is never given twice."""


class NoSecretError(ConflictError):
    """This client has no secret: it signs assertions, or gets its tokens from an issuer of its own."""


class DisabledClientError(ConflictError):
    """The client is disabled, for good: register another."""


@dataclass(frozen=True, slots=True)
class ClientRegistration:
    """A client to be registered, as text.

    `organisation` is `scheme:value`. With `issuer`, another issuer's tokens name the client. With `jwks`, it
    signs assertions with those keys. With neither, it has a secret: made at random, unless `secret` gives
    one, as only a demo should. `return_urls` are where signers may be sent back to.
    """

    client_id: str
    organisation: str
    scopes: tuple[str, ...]
    departments: tuple[str, ...] = ()
    issuer: str | None = None
    jwks: Mapping[str, object] | None = None
    secret: str | None = field(default=None, repr=False)
    return_urls: tuple[str, ...] = ()


async def register_client(
    database: Database, registration: ClientRegistration, *, now: datetime
) -> tuple[Client, str | None]:
    """Register a client; returns it with its secret, which is kept nowhere, or None where it has none.

    Raises InvalidInputError with every fault, ClientExistsError.
    """
    client, faults = _read_registration(registration, now)
    if client is None:
        raise InvalidInputError(faults, "The client cannot be registered like this.")
    secret = None
    if registration.issuer is None and registration.jwks is None:
        secret = registration.secret or new_client_secret()
        client = replace(client, secret_hash=await hash_client_secret(secret))
    async with database.transaction() as session:
        if not await add_client(session, client):
            raise ClientExistsError
    return client, secret


async def list_registered_clients(database: Database) -> list[Client]:
    """Every client, disabled ones too, in the order of their ids."""
    async with database.reading() as session:
        return await list_clients(session)


async def rotate_client_secret(database: Database, client_id: str) -> str:
    """Give a client a new secret; the old one gets no token from now on, tokens out there last 5 minutes.

    Returns the new secret, which is kept nowhere. Raises NotFoundError, DisabledClientError, NoSecretError.
    """
    secret = new_client_secret()
    secret_hash = await hash_client_secret(secret)
    async with database.transaction() as session:
        client = await get_client(session, client_id)
        if client is None:
            raise NotFoundError
        if client.disabled_at is not None:
            raise DisabledClientError
        if client.secret_hash is None:
            raise NoSecretError
        await replace_client_secret(session, client_id, secret_hash)
    return secret


async def disable_registered_client(database: Database, client_id: str, *, now: datetime) -> Client:
    """Disable a client for good: its tokens are refused, it gets no more, and its webhook endpoints nothing.

    Its organisation is told of these, and may enable them by another client. Disabling it again changes
    nothing. Raises NotFoundError.
    """
    async with database.transaction() as session:
        await disable_client(session, client_id, now=now)
        disabled = await disable_endpoints_of_client(session, client_id, now=now)
        await enqueue(session, [endpoint_disabled(item, now) for item in disabled])
        client = await get_client(session, client_id)
    if client is None:
        raise NotFoundError
    return client


def _read_registration(wanted: ClientRegistration, now: datetime) -> tuple[Client | None, tuple[Fault, ...]]:
    """Give the client without a secret, or every fault of the registration."""
    faults = [*_check_texts(wanted), *_check_proof(wanted)]
    organisation = None
    try:
        organisation = parse_organisation(wanted.organisation)
    except InvalidPartyIdError as error:
        faults.append(Fault("/organisation", error.code, error.message))
    public_keys: Document | None = None
    if wanted.jwks is not None:
        keys, key_faults = read_client_keys(wanted.jwks)
        faults.extend(replace(fault, pointer=f"/jwks{fault.pointer}") for fault in key_faults)
        public_keys = {"keys": [dict[str, Json](key.public_jwk()) for key in keys]}
    if faults or organisation is None:
        return None, tuple(faults)
    client = Client(
        client_id=wanted.client_id,
        organisation=organisation,
        scopes=frozenset(Scope(name) for name in wanted.scopes),
        created_at=now,
        issuer=wanted.issuer,
        departments=frozenset(wanted.departments),
        public_keys=public_keys,
        return_urls=wanted.return_urls,
    )
    return client, ()


def _check_texts(wanted: ClientRegistration) -> Iterator[Fault]:
    if not _CLIENT_ID.fullmatch(wanted.client_id):
        yield Fault(
            "/client_id",
            "format",
            "A client_id has 1 to 128 characters out of A-Z a-z 0-9 . _ ~ : @ / - and begins with a letter "
            "or a digit.",
        )
    if not wanted.scopes:
        yield Fault("/scopes", "missing", "Give the client at least one scope.")
    for position, name in enumerate(wanted.scopes):
        if name not in list(Scope):
            yield Fault(f"/scopes/{position}", "unknown_scope", f"Expected one of {', '.join(Scope)}.")
    for position, department in enumerate(wanted.departments):
        if not _TEXT.fullmatch(department):
            yield Fault(f"/departments/{position}", "format", _text_rule("A department"))
    for position, url in enumerate(wanted.return_urls):
        if not is_return_address(url):
            yield Fault(
                f"/return_urls/{position}",
                "format",
                "Give an https address (http on this machine alone) with a plain path and no query.",
            )
    if wanted.issuer is not None and not _TEXT.fullmatch(wanted.issuer):
        yield Fault("/issuer", "format", _text_rule("An issuer"))


def _check_proof(wanted: ClientRegistration) -> Iterator[Fault]:
    """A client proves itself in one way."""
    if wanted.jwks is not None and wanted.issuer is not None:
        yield Fault(
            "/jwks", "not_allowed", "A client of another issuer proves itself there: leave the keys out."
        )
    if wanted.secret is None:
        return
    if wanted.issuer is not None or wanted.jwks is not None:
        yield Fault("/secret", "not_allowed", "A client of another issuer, or with keys, has no secret.")
    elif not _TEXT.fullmatch(wanted.secret):
        yield Fault("/secret", "format", _text_rule("A secret"))


def _text_rule(what: str) -> str:
    return f"{what} has 1 to 255 characters, no control characters, and no space at either end."
