"""The built-in token endpoint: access tokens for clients of this registry (RFC 6749 section 4.4)."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import Field

from registry.api.models.fields import WireOut
from registry.api.problems import UnknownPathError
from registry.api.route import RegistryRoute, RuntimeDep, public
from registry.domain.errors import UnavailableError
from registry.identity.client_authentication import TokenRequestError, read_token_request
from registry.operations.grant_token import GrantedToken, grant_token

router = APIRouter(tags=["Access"], route_class=RegistryRoute)

TOKEN_PATH = "/oauth2/token"  # noqa: S105  # an address, not a secret

_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class TokenOut(WireOut):
    """An access token (RFC 6749 section 5.1), good for `expires_in` seconds."""

    access_token: str
    token_type: Annotated[str, Field(examples=["Bearer"])]
    expires_in: int
    scope: str


class TokenErrorOut(WireOut):
    """A refusal (RFC 6749 section 5.2)."""

    error: Annotated[str, Field(examples=["invalid_client"])]
    error_description: str


FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "required": ["grant_type"],
                    "properties": {
                        "grant_type": {"type": "string", "enum": ["client_credentials"]},
                        "scope": {"type": "string", "description": "Scopes, one space between; default all"},
                        "client_id": {"type": "string"},
                        "client_secret": {"type": "string"},
                        "client_assertion_type": {"type": "string", "default": ""},
                        "client_assertion": {
                            "type": "string",
                            "description": "RFC 7523 assertion, in the place of a secret",
                            "default": "",
                        },
                    },
                }
            }
        },
    }
}


def _refused(error: str, description: str) -> dict[str, Any]:
    example = {"error": error, "error_description": description}
    return {
        "model": TokenErrorOut,
        "description": "Refused (RFC 6749 section 5.2)",
        "content": {"application/json": {"example": example}},
    }


@router.post(
    TOKEN_PATH,
    summary="Get an access token",
    response_model=TokenOut,
    responses={
        400: _refused("invalid_request", "The parameter `grant_type` is missing."),
        401: _refused("invalid_client", "The client is unknown, or its secret is wrong."),
    },
    openapi_extra=public(UnknownPathError, UnavailableError) | FORM,
)
async def token(request: Request, runtime: RuntimeDep) -> Response:
    """Get an access token by client credentials: Basic, `client_secret`, or a signed `client_assertion`."""
    settings = runtime.settings
    if not settings.token_endpoint:
        raise UnknownPathError
    try:
        granted = await grant_token(
            runtime.database,
            runtime.keys,
            read_token_request(request.headers.getlist("authorization"), await request.body()),
            issuer=settings.public_url,
            audience=settings.public_url,
            token_endpoint=settings.public_url + TOKEN_PATH,
            lifetime=settings.access_token_lifetime,
            now=runtime.now(),
        )
    except TokenRequestError as error:
        return token_refusal(error)
    return token_answer(granted)


def token_answer(granted: GrantedToken) -> Response:
    """A token as it is given (RFC 6749 section 5.1)."""
    document = {
        "access_token": granted.access_token,
        "token_type": "Bearer",
        "expires_in": granted.expires_in,
        "scope": granted.scope,
    }
    return Response(orjson.dumps(document), media_type="application/json", headers=_NO_STORE)


def token_refusal(error: TokenRequestError) -> Response:
    """A refusal as it is given (RFC 6749 section 5.2)."""
    is_client = error.code == "invalid_client"
    return Response(
        orjson.dumps({"error": error.code, "error_description": error.message}),
        status_code=401 if is_client else 400,
        media_type="application/json",
        headers=_NO_STORE | ({"WWW-Authenticate": 'Basic realm="registry"'} if is_client else {}),
    )
