"""Examples for the event feed."""

from registry.api.examples.parts import MANDATE_ID, SERVICE, TEMPLATE_ID, Example

EXAMPLES = {
    "read_events": Example(
        {
            "items": [
                {
                    "id": MANDATE_ID,
                    "type": "mandate.issued",
                    "sequence": 117,
                    "occurred_at": "2026-11-21T09:00:00.123456Z",
                    "mandate_id": MANDATE_ID,
                    "template_id": TEMPLATE_ID,
                    "template_version": 1,
                    "services": [SERVICE],
                    "notify": ["principal", "representative"],
                    "details": {"request_id": None},
                    "open_cases": [],
                    "open_case_count": 0,
                }
            ],
            "next": "AQAAAAAAAAB1b2Zfnq0pVw3cB5yJ8xR4tQ",
        },
    ),
}
