"""What every request is checked for: its query's names, its media types, its body being one JSON object."""

import json
from collections import Counter
from urllib.parse import parse_qsl

from starlette.datastructures import Headers

from registry.api.problems import MalformedRequestError, NotAcceptableError, UnsupportedMediaTypeError
from registry.domain.errors import Fault, InvalidInputError
from registry.signing.encodings import parse_json_object

JSON = "application/json"


def refuse_unknown_query(query: bytes, known: set[str]) -> None:
    """Raise InvalidInputError for a query parameter that the operation does not have, or has twice.

    Also for a query that is not percent-encoded UTF-8.
    """
    if not query:
        return
    try:
        given = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict")
    except UnicodeError:
        fault = Fault("?", "encoding", "The query must be UTF-8, percent-encoded.")
        raise InvalidInputError((fault,)) from None
    names = Counter(name for name, _ in given)
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


def refuse_media(headers: Headers, *, takes_body: bool, gives: str = JSON) -> None:
    """Raise UnsupportedMediaTypeError for a body that is not JSON, NotAcceptableError for `Accept`.

    `gives` is the media type of the operation's answer.
    """
    if takes_body and _media_type(headers.get("content-type", "")) != JSON:
        raise UnsupportedMediaTypeError
    if not _accepts(",".join(headers.getlist("accept")), gives):
        raise NotAcceptableError(f"This is given as `{gives}`: name that in `Accept`, or leave it out.")


def read_json_object(body: bytes) -> dict[str, object]:
    """Read a body. Raises MalformedRequestError for anything but one JSON object with one meaning."""
    if not body:
        raise MalformedRequestError("The body is missing: send one JSON object.")
    try:
        return parse_json_object(body)
    except json.JSONDecodeError as error:
        fault = f"{error.msg} (line {error.lineno}, column {error.colno})"
    except UnicodeDecodeError as error:
        fault = f"byte {error.start} is not UTF-8"
    except UnicodeEncodeError:
        fault = "a lone surrogate stands in it"
    except ValueError as error:
        fault = str(error).partition(";")[0]
    raise MalformedRequestError(f"The body must be one JSON object in UTF-8: {fault}.")


def _accepts(accept: str, gives: str) -> bool:
    """Whether `Accept` takes this media type: its most specific range decides (RFC 9110 section 12.5.1)."""
    ranges = {_media_type(part): _weight(part) for part in accept.split(",") if part.strip()}
    if not ranges:
        return True
    family = gives.partition("/")[0]
    return next((ranges[name] for name in (gives, f"{family}/*", "*/*") if name in ranges), 0.0) > 0


def _weight(part: str) -> float:
    for parameter in part.split(";")[1:]:
        name, _, value = parameter.strip().partition("=")
        if name.lower() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def _media_type(text: str) -> str:
    return text.partition(";")[0].strip().lower()
