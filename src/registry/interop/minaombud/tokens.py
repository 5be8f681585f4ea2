"""Access tokens at the address, and with the scopes, that Mina ombud's clients ask for."""

from starlette.requests import Request
from starlette.responses import Response

from registry.api.problems import UnknownPathError
from registry.api.routes.tokens import token_answer, token_refusal
from registry.identity.client_authentication import TokenRequest, TokenRequestError, read_token_request
from registry.interop.minaombud.clients import UserScope
from registry.interop.minaombud.surface import MinaOmbud
from registry.operations.grant_token import grant_token
from registry.storage.clients import Client

TOKEN_PATH = "/auth/realms/dfm/protocol/openid-connect/token"  # noqa: S105  # an address, not a secret


async def give_token(surface: MinaOmbud, request: Request) -> Response:
    """Client credentials, by Basic or in the form (RFC 6749 section 4.4); a token for one of the scopes.

    Served at two addresses: an assertion is meant for the one that it is sent to.
    """
    runtime, settings = surface.runtime, surface.runtime.settings
    if not settings.token_endpoint:
        raise UnknownPathError

    try:
        wanted = read_token_request(request.headers.getlist("authorization"), await request.body())
        granted = await grant_token(
            runtime.database,
            runtime.keys,
            wanted,
            issuer=settings.public_url,
            audience=settings.public_url,
            token_endpoint=settings.public_url + request.scope["path"],
            lifetime=settings.access_token_lifetime,
            scopes_of=lambda client: _scopes_of(surface, wanted, client),
            now=runtime.now(),
        )
    except TokenRequestError as error:
        return token_refusal(error)
    return token_answer(granted)


def _scopes_of(surface: MinaOmbud, wanted: TokenRequest, client: Client) -> tuple[str, ...]:
    """What the client is configured with. Raises TokenRequestError where the token would have several."""
    configured = surface.clients.get(client.client_id)
    scopes = () if configured is None else configured.scopes
    if len(scopes if wanted.scopes is None else wanted.scopes) != 1:
        raise TokenRequestError("invalid_scope", f"Ask for exactly one of {', '.join(UserScope)}.")
    return scopes
