"""The one table of this surface's addresses: it is served and described from here."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from registry.interop.minaombud.calls import (
    get_mandate,
    get_public_keys,
    search_mandates,
    search_permissions,
)
from registry.interop.minaombud.surface import MinaOmbud
from registry.interop.minaombud.templates import get_template, list_templates
from registry.interop.minaombud.tokens import TOKEN_PATH, give_token

BASE_PATH: Final = "/dfm/formedlare/v2"

Answer = Callable[[MinaOmbud, Request], Awaitable[Response]]


@dataclass(frozen=True)
class Operation:
    """One address with its method. `path_format` is also what metrics and the request log call it.

    `statuses` are those of its errors beyond what its token can bring about. `has_user` tells that somebody
    is looked up, so that who asks has to be named.
    """

    id: str
    method: str
    path_format: str
    answer: Answer
    summary: str
    description: str
    statuses: tuple[int, ...] = ()
    has_token: bool = True
    has_user: bool = True

    @property
    def is_for_tokens(self) -> bool:
        """Whether clients get their tokens here."""
        return self.answer is give_token

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Matches the paths of this address; groups are its parameters."""
        return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path_format))


OPERATIONS: Final = (
    Operation(
        "sok_behorigheter",
        "POST",
        f"{BASE_PATH}/sok/behorigheter",
        search_permissions,
        "Sök behörigheter",
        "Which permissions does this holder have at this third party? One `kontext` for each grantor, role "
        "and set of holders, signed by the third party. Decided as a verification of each permission is.",
        (400, 413, 415),
    ),
    Operation(
        "sok_fullmakter",
        "POST",
        f"{BASE_PATH}/sok/fullmakter",
        search_mandates,
        "Sök fullmakter",
        "The mandates that a holder has, or that a grantor has given, standing and ended. Not signed.",
        (400, 413, 415),
    ),
    Operation(
        "hamta_fullmakt",
        "GET",
        BASE_PATH + "/tredjeman/{orgnr}/fullmakter/{id}",
        get_mandate,
        "Hämta en fullmakt",
        "One whole mandate with its standing now, signed by the third party.",
        (400, 404),
    ),
    Operation(
        "hamta_nycklar",
        "GET",
        BASE_PATH + "/tredjeman/{orgnr}/jwks",
        get_public_keys,
        "Hämta tredje mans nycklar",
        "The RSA keys by which what a third party signs is verified: coming, current, retired. Public.",
        (404,),
        has_token=False,
        has_user=False,
    ),
    Operation(
        "lista_mallar",
        "GET",
        BASE_PATH + "/tredjeman/{orgnr}/mallar",
        list_templates,
        "Lista mallar",
        "This registry's addition: the third party's published templates, with the services bound to them.",
        (400, 404),
        has_user=False,
    ),
    Operation(
        "hamta_mall",
        "GET",
        BASE_PATH + "/tredjeman/{orgnr}/mallar/{id}",
        get_template,
        "Hämta en mall",
        "This registry's addition: one published template.",
        (400, 404),
        has_user=False,
    ),
    Operation(
        "hamta_token",
        "POST",
        TOKEN_PATH,
        give_token,
        "Hämta åtkomsttoken",
        "An access token by client credentials, for one of the scopes that the client is configured with.",
        has_token=False,
        has_user=False,
    ),
    Operation(
        "hamta_token_under_basadressen",
        "POST",
        BASE_PATH + TOKEN_PATH,
        give_token,
        "Hämta åtkomsttoken",
        "The same, for a client that takes both addresses from one.",
        has_token=False,
        has_user=False,
    ),
)
