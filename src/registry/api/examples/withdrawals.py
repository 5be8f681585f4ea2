"""Examples for a withdrawal that is asked for, and answered."""

from registry.api.examples.parts import (
    CLERK,
    CONSISTENCY_TOKEN,
    EVENT_ID,
    MANDATE_ID,
    NOW,
    Example,
    Json,
)
from registry.domain.template import Role
from registry.domain.withdrawal import withdrawal_request_document
from registry.signing.canonical import base64url_digest, canonical_bytes
from registry.signing.encodings import encode_base64url

_WHY = "Firmatecknaren ringde: ombudet har slutat hos byrån."
_WHY_COMPLETED = "Avslutad på fullmaktsgivarens begäran."
_WHY_REFUSED = "Ett ärende pågår: återkom när beslutet är fattat."
_SIGNED_WHY = "Jag vill inte längre företrädas."
_TO_BE_SIGNED = canonical_bytes(withdrawal_request_document(MANDATE_ID, Role.PRINCIPAL, _SIGNED_WHY))
_REGISTRAR = {"employee": CLERK, "statement": "Firmatecknaren legitimerade sig vid besöket."}


def _act(kind: str, by: str, reason: str) -> Json:
    return {
        "event_id": EVENT_ID,
        "mandate_id": MANDATE_ID,
        "type": kind,
        "at": NOW,
        "by": by,
        "reason": reason,
        "consistency_token": CONSISTENCY_TOKEN,
    }


EXAMPLES = {
    "ask_for_withdrawal": Example(
        _act("mandate.withdrawal_requested", "registrar", _WHY),
        {"by": "registrar", "reason": _WHY, "registrar": _REGISTRAR},
        {"Idempotency-Key": "withdrawal-2026-114"},
    ),
    "preview_a_withdrawal_request": Example(
        {"to_be_signed": encode_base64url(_TO_BE_SIGNED), "digest": base64url_digest(_TO_BE_SIGNED)},
        {"by": "principal", "reason": _SIGNED_WHY},
    ),
    "complete_a_withdrawal_request": Example(
        _act("mandate.revoked", "third_party", _WHY_COMPLETED) | {"also_ended": []},
        {"reason": _WHY_COMPLETED},
    ),
    "refuse_a_withdrawal_request": Example(
        _act("mandate.withdrawal_refused", "third_party", _WHY_REFUSED), {"reason": _WHY_REFUSED}
    ),
}
