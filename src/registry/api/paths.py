"""How addresses are told apart, and which methods an address answers to."""

from collections.abc import Iterable

from starlette.convertors import Convertor, register_url_convertor
from starlette.routing import BaseRoute, Match
from starlette.types import Scope

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class _IdConvertor(Convertor[str]):
    """`{mandate_id:id}`: any segment but a word in lower case, which is the name of a fixed address.

    So `GET /v1/mandates/search` is an unused method of that address (405), not a bad id.
    """

    regex = "[^/]*[^/a-z][^/]*"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("id", _IdConvertor())

MANDATE = "/{mandate_id:id}"
"""One mandate, beside fixed addresses such as `/search`."""

REQUEST = "/{request_id:id}"
"""One mandate request, beside `/search`."""

RESTRICTION = "/{restriction_id:id}"
"""One restriction, beside `/search`."""

APPROVAL = "/{approval_id:id}"
"""One approval."""


def allowed_methods(routes: Iterable[BaseRoute], scope: Scope) -> str:
    """The header `Allow` (RFC 9110 section 10.2.1) of the address that `scope` asks for."""
    known = tuple(routes)
    return ", ".join(
        method
        for method in _METHODS
        if any(route.matches({**scope, "method": method})[0] is Match.FULL for route in known)
    )
