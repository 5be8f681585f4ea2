"""Examples for acts on a mandate, and for what happened to it."""

from registry.api.examples.mandates import RECORD, sealed_record
from registry.api.examples.parts import (
    ALCOHOL,
    CLIENT,
    CONSISTENCY_TOKEN,
    EVENT_ID,
    MANDATE_ID,
    NOW,
    OTHER_EVENT_ID,
    OTHER_MANDATE_ID,
    SUNDSVALL,
    TEST_PERSSON,
    Example,
    Json,
    compact_jws,
    nameless,
)
from registry.domain.revocation import revocation_document
from registry.domain.template import Role
from registry.signing.canonical import base64url_digest, canonical_bytes
from registry.signing.encodings import encode_base64url
from registry.signing.records import SealType

_CASE = "2026-114"
_WHY_REVOKED = "Bolaget har upphört med serveringen."
_WHY_RENOUNCED = "Jag hjälper inte längre till med ansökningar."
_TO_BE_SIGNED = canonical_bytes(revocation_document(MANDATE_ID, Role.REPRESENTATIVE, _WHY_RENOUNCED))


def _act(kind: str, reason: str) -> Json:
    return {
        "event_id": EVENT_ID,
        "mandate_id": MANDATE_ID,
        "type": kind,
        "at": NOW,
        "by": "third_party",
        "reason": reason,
        "consistency_token": CONSISTENCY_TOKEN,
    }


def _used() -> Json:
    author = {"role": "third_party", "party": nameless(SUNDSVALL), "employee": None, "statement": None}
    details = {
        "permission": ALCOHOL,
        "case_ref": _CASE,
        "by": nameless(TEST_PERSSON),
        "remaining": None,
    }
    document = {
        "schema": "mandate-event/1",
        "id": EVENT_ID,
        "mandate_id": MANDATE_ID,
        "number": 1,
        "previous": base64url_digest(sealed_record(RECORD).encode()),
        "type": "mandate.used",
        "at": NOW,
        "recorded_at": NOW,
        "by": author,
        "reason": None,
        "details": details,
        "registered_by": CLIENT,
    }
    shown = ("id", "number", "type", "at", "recorded_at", "reason", "details", "registered_by")
    return {name: document[name] for name in shown} | {
        "by": author | {"party": nameless(SUNDSVALL) | {"name": None}},
        "sealed": compact_jws(document, typ=SealType.EVENT),
    }


_ISSUED: Json = {
    "id": MANDATE_ID,
    "number": 0,
    "type": "mandate.issued",
    "at": RECORD["issued_at"],
    "recorded_at": RECORD["issued_at"],
    "by": None,
    "reason": None,
    "details": {},
    "registered_by": CLIENT,
    "sealed": sealed_record(RECORD),
}

EXAMPLES = {
    "list_what_happened": Example({"items": [_ISSUED, _used()]}),
    "revoke_or_renounce": Example(
        _act("mandate.revoked", _WHY_REVOKED) | {"also_ended": [OTHER_MANDATE_ID]},
        {"by": "third_party", "reason": _WHY_REVOKED},
    ),
    "preview_a_revocation": Example(
        {"to_be_signed": encode_base64url(_TO_BE_SIGNED), "digest": base64url_digest(_TO_BE_SIGNED)},
        {"by": "representative", "reason": _WHY_RENOUNCED},
    ),
    "suspend": Example(
        _act("mandate.suspended", "Tillsyn pågår hos bolaget."), {"reason": "Tillsyn pågår hos bolaget."}
    ),
    "resume": Example(
        _act("mandate.resumed", "Tillsynen är avslutad."), {"reason": "Tillsynen är avslutad."}
    ),
    "close_a_use": Example(
        {
            "event_id": OTHER_EVENT_ID,
            "mandate_id": MANDATE_ID,
            "type": "mandate.use_closed",
            "at": NOW,
            "by": "third_party",
            "reason": None,
            "consistency_token": CONSISTENCY_TOKEN,
        }
    ),
    "record_a_use": Example(
        {
            "id": EVENT_ID,
            "mandate_id": MANDATE_ID,
            "at": NOW,
            "remaining": None,
            "consistency_token": CONSISTENCY_TOKEN,
        },
        {"permission": ALCOHOL, "case_ref": _CASE, "by": nameless(TEST_PERSSON)},
        {"Idempotency-Key": "case-2026-114-use-1"},
    ),
}
