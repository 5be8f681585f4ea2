"""Authenticate a call: from its access token to the registered client behind it."""

from datetime import datetime

from registry.domain.callers import Caller
from registry.domain.errors import UnauthenticatedError
from registry.identity.access_tokens import AccessTokenClaims, verify_access_token
from registry.identity.issuers import TrustedIssuers
from registry.storage.clients import Client, get_client
from registry.storage.database import Database


async def authenticate(
    database: Database,
    issuers: TrustedIssuers,
    token: str,
    *,
    own_issuer: str,
    certificate_digest: str | None = None,
    now: datetime,
) -> tuple[Caller, datetime]:
    """Give the caller that a bearer token stands for, and when the token expires.

    The caller has the scopes that its token and its registration both name. `own_issuer` is the `iss` of the
    built-in token endpoint. `certificate_digest` is base64url of the SHA-256 of the client certificate, where
    a trusted proxy passes one; a token bound to a certificate is good only with it (RFC 8705 section 3).
    Raises UnauthenticatedError, with one message for unknown, disabled and other issuers' clients;
    UnavailableError when the issuer's keys or the database cannot be had.
    """
    claims = await verify_access_token(token, issuers, now=now)
    if claims.confirmation not in {None, certificate_digest}:
        raise UnauthenticatedError(
            "The access token is bound to a client certificate: use it over a connection with that one."
        )
    async with database.reading() as session:
        client = await get_client(session, claims.client_id)
    if client is None or client.disabled_at is not None or not _issues_for(claims, client, own_issuer):
        raise UnauthenticatedError("The access token names a client that may not call this registry.")
    scopes = frozenset(scope for scope in client.scopes if scope.value in claims.scopes)
    return Caller(client.client_id, client.organisation, scopes, client.departments), claims.expires_at


def _issues_for(claims: AccessTokenClaims, client: Client, own_issuer: str) -> bool:
    return claims.issuer == (own_issuer if client.issuer is None else client.issuer)
