"""Examples for restrictions."""

from registry.api.examples.parts import (
    ALYCKAN,
    CLIENT,
    CONSISTENCY_TOKEN,
    HERMAN,
    NOW,
    RESTRICTION_ID,
    SUNDSVALL,
    Example,
    Json,
    nameless,
)

_WHY = "Ombudet är föremål för utredning."
_ASKED: Json = {
    "subject": ALYCKAN,
    "scope": "representative",
    "representative": HERMAN,
    "third_party": SUNDSVALL,
    "from": NOW,
    "until": "2027-02-21T09:00:00Z",
    "reason": _WHY,
}
_IMPOSED: Json = {
    "id": RESTRICTION_ID,
    "status": "active",
    **_ASKED,
    "service": None,
    "imposed_by": nameless(SUNDSVALL) | {"name": None},
    "imposed_at": NOW,
    "registered_by": CLIENT,
    "lifting": None,
    "consistency_token": CONSISTENCY_TOKEN,
}
_LIFTED: Json = _IMPOSED | {
    "status": "lifted",
    "lifting": {
        "lifted_by": nameless(SUNDSVALL) | {"name": None},
        "lifted_at": "2026-11-28T09:00:00Z",
        "reason": "Utredningen är avslutad.",
    },
}

EXAMPLES = {
    "impose_a_restriction": Example(_IMPOSED, _ASKED, {"Idempotency-Key": "restriction-2026-31"}),
    "search_restrictions": Example(
        {"items": [_IMPOSED | {"consistency_token": None}], "next": None},
        {"subject": nameless(ALYCKAN), "status": "active"},
    ),
    "read_a_restriction": Example(_IMPOSED),
    "lift_a_restriction": Example(_LIFTED, {"reason": "Utredningen är avslutad."}),
}
