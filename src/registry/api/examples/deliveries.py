"""An example of a statutory delivery: the guardians of a child."""

from registry.api.examples.parts import (
    CONSISTENCY_TOKEN,
    HERMAN,
    MANDATE_ID,
    NOW,
    PETRONELLA,
    TEMPLATE_ID,
    VALID_FROM,
    Example,
    party,
)

_CHILD = party("se-pnr", "209001011007", "Testbarn Malteskog")

EXAMPLES = {
    "deliver_statutory_mandates": Example(
        {
            "source": "folkbokforing",
            "key": "hushall-2026-114",
            "delivered_at": NOW,
            "mandates": [{"id": MANDATE_ID, "is_new": True, "status": "active"}],
            "ended": [],
            "consistency_token": CONSISTENCY_TOKEN,
        },
        {
            "mandates": [
                {
                    "template": {"id": TEMPLATE_ID, "version": 1},
                    "principal": _CHILD,
                    "representatives": [PETRONELLA, HERMAN],
                    "permissions": ["follow"],
                    "valid_from": VALID_FROM,
                    "valid_until": None,
                    "language": "sv",
                }
            ]
        },
        {"source": "folkbokforing", "key": "hushall-2026-114"},
    ),
}
