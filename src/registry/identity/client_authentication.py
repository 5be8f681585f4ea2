"""What a client sends to the token endpoint: which grant it asks for, and how it says who it is.

Reading only: nothing here is believed yet. RFC 6749 sections 2.3, 3.2, 4.4 and 5.2; RFC 7521 section 4.2.
"""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import unquote_to_bytes

from registry.domain.errors import RegistryError
from registry.signing.jose import MAX_TOKEN_CHARS

MAX_BODY_BYTES: Final = 2 * MAX_TOKEN_CHARS
MAX_TEXT_CHARS: Final = 255
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

_PARAMETERS: Final = frozenset(
    {"grant_type", "scope", "client_id", "client_secret", "client_assertion", "client_assertion_type"}
)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_BROKEN_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")

TokenErrorCode = Literal[
    "invalid_request", "invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_scope"
]


class TokenRequestError(RegistryError):
    """The token request is refused."""

    def __init__(self, code: TokenErrorCode, description: str) -> None:
        """`code` is the `error` of RFC 6749 section 5.2; the message is fit to be its `error_description`."""
        super().__init__(description)
        self.code = code


@dataclass(frozen=True, slots=True)
class SecretCredential:
    """A client with its secret: `client_secret_basic` or `client_secret_post`."""

    client_id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AssertionCredential:
    """A signed assertion, not yet read, and the client that the request names beside it, if any."""

    assertion: str = field(repr=False)
    client_id: str | None


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A request for an access token by client credentials. `scopes` is None where none was asked for."""

    credential: SecretCredential | AssertionCredential
    scopes: frozenset[str] | None


def read_token_request(authorization: Sequence[str], body: bytes) -> TokenRequest:
    """Read every `Authorization` header and the body, `application/x-www-form-urlencoded` in UTF-8.

    Parameters without a value count as absent, unknown ones are ignored (RFC 6749 section 3.2). Exactly one
    way of client authentication must be used. Raises TokenRequestError.
    """
    form = _read_form(body)
    credential = _read_credential(authorization, form)
    match form.get("grant_type"):
        case "client_credentials":
            scope = form.get("scope")
            return TokenRequest(credential, None if scope is None else frozenset(scope.split(" ")))
        case None:
            raise TokenRequestError("invalid_request", "The parameter `grant_type` is missing.")
        case _:
            raise TokenRequestError(
                "unsupported_grant_type", "The parameter `grant_type` must be `client_credentials`."
            )


def _read_form(body: bytes) -> dict[str, str]:
    """Give the parameters of a token request that have a value."""
    if len(body) > MAX_BODY_BYTES:
        raise TokenRequestError("invalid_request", f"The body has at most {MAX_BODY_BYTES} bytes.")
    form: dict[str, str] = {}
    try:
        for field_text in body.decode("utf-8").split("&"):
            name, _, value = map(_decode_form_text, field_text.partition("="))
            if name in form:
                raise TokenRequestError("invalid_request", f"The parameter `{name}` stands more than once.")
            if name in _PARAMETERS:
                form[name] = value
    except ValueError:
        raise TokenRequestError(
            "invalid_request", "The body must be application/x-www-form-urlencoded in UTF-8."
        ) from None
    return {name: value for name, value in form.items() if value}


def _decode_form_text(text: str) -> str:
    """Undo form encoding (RFC 6749 appendix B). Raises ValueError for what it never gives."""
    if _BROKEN_ESCAPE.search(text):
        raise ValueError("a percent sign without two hexadecimal digits")
    return unquote_to_bytes(text.replace("+", " ")).decode("utf-8")


def _read_credential(
    authorization: Sequence[str], form: dict[str, str]
) -> SecretCredential | AssertionCredential:
    has_assertion = "client_assertion" in form or "client_assertion_type" in form
    ways = len(authorization) + ("client_secret" in form) + has_assertion
    if ways > 1:
        raise TokenRequestError(
            "invalid_request", "Use one way of client authentication, and only that, in a request."
        )
    client_id = form.get("client_id")
    if authorization:
        return _read_basic(authorization[0], client_id)
    if has_assertion:
        return _read_assertion(form, client_id)
    if "client_secret" not in form:
        raise TokenRequestError(
            "invalid_client", "Authenticate the client: HTTP Basic, a client_secret, or a client_assertion."
        )
    if client_id is None:
        raise TokenRequestError("invalid_request", "The parameter `client_id` is missing.")
    return SecretCredential(_plain(client_id), _plain(form["client_secret"]))


def _read_basic(value: str, client_id: str | None) -> SecretCredential:
    scheme, _, encoded = value.strip(" ").partition(" ")
    if scheme.lower() != "basic":
        raise TokenRequestError("invalid_client", "The Authorization header must use the scheme Basic.")
    try:
        name, _, secret = base64.b64decode(encoded.lstrip(" "), validate=True).decode("utf-8").partition(":")
        credential = SecretCredential(_plain(_decode_form_text(name)), _plain(_decode_form_text(secret)))
    except ValueError:
        raise TokenRequestError(
            "invalid_request",
            "The Authorization header must be Basic with base64 of client_id, a colon and the secret, "
            "each form-encoded first (RFC 6749 section 2.3.1).",
        ) from None
    if client_id not in {None, credential.client_id}:
        raise TokenRequestError(
            "invalid_request", "The parameter `client_id` is not the client of the Authorization header."
        )
    return credential


def _read_assertion(form: dict[str, str], client_id: str | None) -> AssertionCredential:
    if not {"client_assertion", "client_assertion_type"} <= form.keys():
        raise TokenRequestError(
            "invalid_request", "Give both parameters `client_assertion` and `client_assertion_type`."
        )
    if form["client_assertion_type"] != ASSERTION_TYPE:
        raise TokenRequestError(
            "invalid_client", f"The parameter `client_assertion_type` must be {ASSERTION_TYPE}."
        )
    return AssertionCredential(form["client_assertion"], client_id)


def _plain(text: str) -> str:
    if not 0 < len(text) <= MAX_TEXT_CHARS or _CONTROL.search(text):
        raise TokenRequestError(
            "invalid_request",
            f"The client_id and the secret have 1 to {MAX_TEXT_CHARS} characters, no control characters.",
        )
    return text
