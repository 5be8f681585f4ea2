"""Grant an access token to a client that proves itself: OAuth 2 client credentials (RFC 6749 section 4.4)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NoReturn

from uuid_utils.compat import uuid7

from registry.domain.callers import Scope
from registry.domain.documents import Json
from registry.identity.client_assertions import read_client_assertion
from registry.identity.client_authentication import (
    AssertionCredential,
    SecretCredential,
    TokenRequest,
    TokenRequestError,
)
from registry.identity.client_secrets import is_client_secret
from registry.signing.canonical import canonical_bytes
from registry.signing.jose import InvalidTokenError, sign_compact
from registry.signing.keys import KeyRing
from registry.storage.clients import Client, get_client, remember_assertion
from registry.storage.database import Database

TOKEN_LIFETIME = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class GrantedToken:
    """An access token, for how many seconds it is good, and its scopes with one space between."""

    access_token: str = field(repr=False)
    expires_in: int
    scope: str


def registered_scopes(client: Client) -> Sequence[str]:
    """The scopes that the client is registered with, in the order in which they are declared."""
    return [scope for scope in Scope if scope in client.scopes]


async def grant_token(  # noqa: PLR0913  # each is a claim of the token or a choice of who serves
    database: Database,
    keys: KeyRing,
    request: TokenRequest,
    *,
    issuer: str,
    audience: str,
    token_endpoint: str,
    now: datetime,
    lifetime: timedelta = TOKEN_LIFETIME,
    scopes_of: Callable[[Client], Sequence[str]] = registered_scopes,
) -> GrantedToken:
    """Authenticate the client and sign an RFC 9068 access token for it.

    `scopes_of` tells what a client may be granted, in the order in which a token names them.
    `issuer` and `audience` are the token's `iss` and `aud`; an assertion must be meant for `issuer` or for
    `token_endpoint`, the address of the endpoint. An assertion is used up once its signature has been
    verified, whatever comes after. Raises TokenRequestError; UnavailableError while the database cannot be
    had or too many secrets are being checked.
    """
    match request.credential:
        case SecretCredential() as credential:
            client = await _authenticate_by_secret(database, credential)
        case AssertionCredential() as credential:
            audiences = frozenset({issuer, token_endpoint})
            client = await _authenticate_by_assertion(database, credential, audiences, now=now)
    if client.issuer is not None:
        raise TokenRequestError("unauthorized_client", "This client gets its tokens from its own issuer.")
    scope = " ".join(_granted_scopes(scopes_of(client), request.scopes))
    issued_at = int(now.timestamp())
    expires_in = int(lifetime.total_seconds())
    claims: dict[str, Json] = {
        "iss": issuer,
        "aud": audience,
        "sub": client.client_id,
        "client_id": client.client_id,
        "iat": issued_at,
        "exp": issued_at + expires_in,
        "jti": str(uuid7()),
        "scope": scope,
    }
    token = sign_compact(canonical_bytes(claims), keys.signing_key(now), typ="at+jwt")
    return GrantedToken(token, expires_in, scope)


async def _authenticate_by_secret(database: Database, credential: SecretCredential) -> Client:
    """Give the client whose secret this is. An unknown client costs the same work as a wrong secret."""
    client = await _find_client(database, credential.client_id)
    stored = None if client is None else client.secret_hash
    # No connection is held meanwhile: this is slow, and may wait for its turn.
    is_right = await is_client_secret(credential.secret, stored)
    if client is None or not is_right or client.disabled_at is not None:
        _refuse_client()
    return client


async def _authenticate_by_assertion(
    database: Database, credential: AssertionCredential, audiences: frozenset[str], *, now: datetime
) -> Client:
    """Give the client that signed this assertion, and use the assertion up."""
    try:
        assertion = read_client_assertion(credential.assertion, audiences=audiences, now=now)
    except InvalidTokenError as error:
        raise TokenRequestError("invalid_client", f"The client assertion is refused: {error}.") from error
    if credential.client_id not in {None, assertion.client_id}:
        raise TokenRequestError(
            "invalid_client", "The parameter `client_id` is not the client of the assertion."
        )
    client = await _find_client(database, assertion.client_id)
    is_signed = client is not None and assertion.is_signed_by(client.public_keys or {})
    if client is None or not is_signed or client.disabled_at is not None:
        _refuse_client()
    async with database.transaction() as session:
        is_new = await remember_assertion(session, client.client_id, assertion.jti, assertion.expires_at)
    if not is_new:
        raise TokenRequestError(
            "invalid_client", "The client assertion was used before: sign a new one, with a new `jti`."
        )
    return client


async def _find_client(database: Database, client_id: str) -> Client | None:
    async with database.reading() as session:
        return await get_client(session, client_id)


def _refuse_client() -> NoReturn:
    raise TokenRequestError(
        "invalid_client", "The client is unknown or disabled, or its credentials are wrong."
    )


def _granted_scopes(allowed: Sequence[str], wanted: frozenset[str] | None) -> Sequence[str]:
    """Give the scopes asked for, or all that the client has."""
    if wanted is None:
        return allowed
    if not wanted.issubset(allowed):
        names = " ".join(allowed)
        raise TokenRequestError(
            "invalid_scope", f"Ask for some of the scopes that the client has, one space between: {names}."
        )
    return [scope for scope in allowed if scope in wanted]
