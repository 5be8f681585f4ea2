"""Examples for who looked at somebody."""

from registry.api.examples.parts import (
    ALCOHOL,
    MANDATE_ID,
    NOW,
    SUNDSVALL,
    TEST_PERSSON,
    Example,
    Json,
    nameless,
)

_ENTRY_ID = "01a1ff99-e6f6-751b-86c4-f53f6b603d86"


def _looked() -> Json:
    organisation = nameless(SUNDSVALL) | {"name": None}
    return {
        "id": _ENTRY_ID,
        "at": NOW,
        "organisation": organisation,
        "client_id": "demo-platform",
        "operation": "verification",
        "role": "representative",
        "third_party": organisation,
        "purpose": "submission 2026-114",
        "permissions": [ALCOHOL],
        "decision": "permit",
        "reasons": [],
        "mandate_ids": [MANDATE_ID],
    }


EXAMPLES = {
    "list_who_looked_at_me": Example({"items": [_looked()], "next": None}, {"limit": 20}),
    "audit_who_looked": Example(
        {"items": [_looked()], "next": None},
        {"party": nameless(TEST_PERSSON), "purpose": "complaint 2026-7"},
    ),
}
