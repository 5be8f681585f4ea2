"""The rules of the Swedish public sector's REST API profile, and where this API leaves its letter and why."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

_NUMBERS = {
    "UFN": (1, 2, 5, 7, 8, 9),
    "VER": (5, 6),
    "RES": (2, 3, 6),
    "AME": (1, 2, 4, 5, 7),
    "DOT": (2, 4),
    "FNS": (1, 3, 5, 6, 7, 8, 9),
    "FEL": (1, 2),
    "DOK": (1, 3, 6, 7, 8, 9, 11, 15, 17, 19, 20, 21),
    "ARQ": (1, 3, 5),
    "MOG": (1, 2),
    "SAK": (1, 9, 10, 12, 15, 16, 18),
    "FOR": (2,),
    "SPA": (2, 4),
    "WEB": (1, 2, 4, 5),
    "ARP": (3,),
}
PROFILE: Final = {f"{group}.{number:02}" for group, numbers in _NUMBERS.items() for number in numbers}

NOT_SHOWN: Final = {
    "SAK.01": "https ends at the proxy in front; on a machine's own loopback there is none",
}

UNVERSIONED: Final = {
    "/api-info": "VER.06 has it at the root",
    "/live": "for the supervisor of the process",
    "/ready": "for the supervisor of the process",
    "/metrics": "for Prometheus",
    "/.well-known/jwks.json": "RFC 8615",
    "/oauth2/token": "the issuer's, not the API's",
    "/log/checkpoint": "c2sp.org/tlog-tiles",
    "/log/tile/entries/{tile}": "c2sp.org/tlog-tiles",
    "/log/tile/{level}/{tile}": "c2sp.org/tlog-tiles",
}
NO_COLLECTIONS: Final = {
    "publication": "an act, once per version",
    "retirement": "an act, once per template",
    "preview": "an answer that is not kept",
    "search": "a search whose question holds persons",
    "status": "the status of many",
    "batch": "many at once",
    "record": "the one sealed record",
    "attachment": "the one scan of a signature",
    "evidence": "the one bundle",
    "revocation": "an act, once per mandate",
    "suspension": "an act on the mandate",
    "resumption": "an act on the mandate",
    "closure": "an act, once per use",
    "exchange": "an answer that is not kept",
    "decision": "an act, once per approval",
    "lifting": "an act, once per restriction",
    "decline": "an act, once per request",
    "cancellation": "an act, once per request",
    "completion": "an act, once per request",
    "me": "the person whom the id token names",
    "overview": "of the person's own, over several kinds",
    "access-log": "one log, of many entries",
    "refusal": "an act, once per request",
    "secret-rotation": "an act on the endpoint",
    "ping": "an act on the endpoint",
    "replay": "an act on the endpoint",
    "redelivery": "an act on the delivery",
}
SINGULAR_LISTS: Final = {
    "signatures_missing": "reads as it is: the signatures that are missing",
    "any_of": "reads as the rule does: any of these persons",
    "may_revoke": "reads as a sentence: these roles may",
    "notify": "reads as a sentence: notify these roles",
    "issued": "the roles to tell when it is",
    "used": "the roles to tell when it is",
    "ended": "the roles to tell when it is",
    "path": "one path of many hashes",
    "chain": "one chain of many mandates",
    "also_ended": "the mandates that did",
    "history": "one history of many attempts",
}
OTHER_MEDIA: Final = {
    ("get_an_access_token", "application/x-www-form-urlencoded"): "RFC 6749 section 4.4.2",
    ("read_the_sealed_record", "application/jose"): "the exact sealed bytes",
    **{
        (f"read_the_scan_of_a_{of}", media_type): "the scan of a paper original, as delivered"
        for of in ("signature", "requests_signature")
        for media_type in ("application/pdf", "image/jpeg", "image/png", "image/tiff")
    },
    ("metrics", "text/plain"): "the format that Prometheus reads",
    ("newest_checkpoint", "text/plain"): "c2sp.org/tlog-checkpoint",
    ("entries_of_the_log", "application/octet-stream"): "c2sp.org/tlog-tiles",
    ("a_tile_of_the_log", "application/octet-stream"): "c2sp.org/tlog-tiles",
}
WHOLE_LISTS: Final = {
    "list_versions": "one template's versions",
    "list_what_happened": "one mandate's history, which proves itself only as a whole",
    "ask_for_the_status_of_many": "as long as the question, which is bounded",
}

_Test = TypeVar("_Test", bound=Callable[..., Any])


def rule(*_ids: str) -> Callable[[_Test], _Test]:
    """Says which rules a test shows; `test_every_rule_is_shown_or_explained` reads it."""
    return lambda test: test
