"""What every request is checked for before its body is read: its query's names and its media types."""

from collections import Counter
from collections.abc import Mapping
from urllib.parse import parse_qsl

from registry.api.problems import NotAcceptableError, UnsupportedMediaTypeError
from registry.domain.errors import Fault, InvalidInputError

_GIVEN = frozenset(
    {
        "",
        "*/*",
        "application/*",
        "application/json",
        "application/problem+json",
        "application/jose",
        "text/*",
        "text/plain",
        "text/html",
    }
)


def refuse_unknown_query(query: str, known: set[str]) -> None:
    """Raise InvalidInputError for a query parameter that the operation does not have, or has twice."""
    if not query:
        return
    names = Counter(name for name, _ in parse_qsl(query, keep_blank_values=True))
    faults = []
    if not names.keys() <= known:
        allowed = ", ".join(sorted(known)) or "none"
        message = f"Known query parameters here: {allowed}. Identifiers of persons belong in bodies."
        faults.append(Fault("?", "unknown_parameter", message))
    faults.extend(
        Fault(f"?{name}", "repeated", "Give each query parameter once.")
        for name in sorted(known)
        if names[name] > 1
    )
    if faults:
        raise InvalidInputError(tuple(faults))


def refuse_media(headers: Mapping[str, str], *, takes_body: bool) -> None:
    """Raise UnsupportedMediaTypeError for a body that is not JSON, NotAcceptableError for `Accept`."""
    if takes_body and _media_type(headers.get("content-type", "")) != "application/json":
        raise UnsupportedMediaTypeError
    accept = headers.get("accept")
    if accept and _GIVEN.isdisjoint(_media_type(part) for part in accept.split(",")):
        raise NotAcceptableError


def _media_type(text: str) -> str:
    return text.partition(";")[0].strip().lower()
