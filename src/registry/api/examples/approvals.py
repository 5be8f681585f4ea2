"""Examples for approvals."""

from registry.api.examples.parts import (
    ALCOHOL,
    ALYCKAN,
    APPROVAL_ID,
    CLIENT,
    CONSISTENCY_TOKEN,
    NOW,
    SUNDSVALL,
    Example,
    Json,
    nameless,
)
from registry.signing.canonical import base64url_digest, canonical_bytes
from registry.signing.encodings import encode_base64url

# Sundsvall is the representative, too: its own client decides, with no id token, which no example can hold.
_MATTER: Json = {
    "principal": ALYCKAN,
    "representative": SUNDSVALL,
    "permission": ALCOHOL,
    "title": "Ansökan om stadigvarande serveringstillstånd",
    "content_digest": base64url_digest(b"the form as it was filled in"),
    "deadline": "2098-12-19T09:00:00Z",
}
_SIGNED = canonical_bytes(
    {
        "schema": "approval-decision/1",
        "approval_id": APPROVAL_ID,
        **_MATTER,
        "principal": nameless(ALYCKAN),
        "representative": nameless(SUNDSVALL),
        "third_party": nameless(SUNDSVALL),
        "decision": "approved",
    }
)
_REQUESTED: Json = {
    "id": APPROVAL_ID,
    "status": "pending",
    **_MATTER,
    "principal_role": "organisation",
    "third_party": SUNDSVALL,
    "requested_at": NOW,
    "registered_by": CLIENT,
    "decision": None,
    "to_be_signed": encode_base64url(_SIGNED),
    "digest": base64url_digest(_SIGNED),
    "consistency_token": CONSISTENCY_TOKEN,
}
_DECIDED: Json = _REQUESTED | {
    "status": "approved",
    "decision": {
        "decision": "approved",
        "decided_at": "2026-11-22T08:30:00Z",
        "decided_by": nameless(SUNDSVALL) | {"name": None},
        "evidence_digest": None,
    },
}

EXAMPLES = {
    "request_an_approval": Example(
        _REQUESTED, _MATTER | {"third_party": SUNDSVALL}, {"Idempotency-Key": "matter-2026-114"}
    ),
    "search_approvals": Example(
        {"items": [_REQUESTED | {"consistency_token": None}], "next": None},
        {"representative": nameless(SUNDSVALL), "status": "pending"},
    ),
    "read_an_approval": Example(_REQUESTED),
    "approve_or_decline": Example(_DECIDED, {"decision": "approved"}),
}
