"""Examples for mandate requests: two signatories are asked for a power of attorney."""

from registry.api.examples.mandates import EXAMPLES as OF_MANDATES
from registry.api.examples.parts import (
    CONSISTENCY_TOKEN,
    FILL_IN_FOOD,
    HERMAN,
    MARIA,
    NOW,
    PETRONELLA,
    REQUEST_ID,
    SUNDSVALL,
    Example,
    Json,
    compact_jws,
    nameless,
)
from registry.signing.canonical import base64url_digest, canonical_bytes
from registry.signing.encodings import encode_base64url

_LAPSES = "2027-05-20T09:00:00Z"
_BACK = "https://e-tjanst.example/serveringstillstand?steg=klart"
_CONTENT: Json = OF_MANDATES["preview_a_mandate"].answer["content"] | {"permissions": [FILL_IN_FOOD]}
_ASKED: Json = (OF_MANDATES["preview_a_mandate"].request or {}) | {
    "permissions": [FILL_IN_FOOD],
    "return_url": _BACK,
    "expires_in_days": 180,
}
_SIGNED = canonical_bytes(_CONTENT | {"request_id": REQUEST_ID})
_DIGEST = base64url_digest(_SIGNED)


def _way(count: int, *signers: Json) -> Json:
    any_of = [nameless(signer) | {"name": None} for signer in signers]
    return {"capacity": "signatory", "any_of": any_of, "count": count}


_PENDING: Json = _CONTENT | {
    "id": REQUEST_ID,
    "status": "pending",
    "asked_by": nameless(SUNDSVALL) | {"name": None},
    "created_at": NOW,
    "expires_at": _LAPSES,
    "ended_at": None,
    "mandate_id": None,
    "to_be_signed": encode_base64url(_SIGNED),
    "digest": _DIGEST,
    "capacity": "signatory",
    "signatures_missing": [_way(1, PETRONELLA), _way(2, HERMAN, MARIA, PETRONELLA)],
    "signatures": [],
    "link": f"https://registry.example/requests/{REQUEST_ID}",
    "return_url": _BACK,
    "consistency_token": CONSISTENCY_TOKEN,
}
_EVIDENCE = compact_jws(
    {
        "iss": "https://eid.demo.invalid",
        "iat": 1795251600,
        "https://claims.oidc.se/1.0/personalNumber": HERMAN["value"],
        "name": HERMAN["name"],
        "content_digest": _DIGEST,
    },
    typ="mandate-signature+jwt",
    kid="demo-eid-1",
)


def _act(status: str) -> Json:
    return {
        "request_id": REQUEST_ID,
        "status": status,
        "mandate_id": None,
        "at": NOW,
        "consistency_token": CONSISTENCY_TOKEN,
    }


EXAMPLES = {
    "ask_for_a_mandate": Example(_PENDING, _ASKED, {"Idempotency-Key": "case-2026-114-request-1"}),
    "search_mandate_requests": Example(
        {"items": [_PENDING | {"consistency_token": None}], "next": None},
        {"signer": nameless(HERMAN), "status": "pending", "limit": 20},
    ),
    "read_a_mandate_request": Example(_PENDING),
    "read_the_scan_of_a_requests_signature": Example("%PDF-1.7 ..."),
    "sign_a_mandate_request": Example(
        _act("pending"),
        {"capacity": "signatory", "method": "jws", "evidence": {"format": "jws", "data": _EVIDENCE}},
        {"Idempotency-Key": "case-2026-114-signature-1"},
    ),
    "decline_a_mandate_request": Example(_act("declined"), {"reason": "Vi behöver inget ombud."}),
    "cancel_a_mandate_request": Example(_act("cancelled"), {"reason": "Ärendet är återkallat."}),
}
