"""Examples for a person's own overview."""

from registry.api.examples.parts import (
    ALCOHOL,
    APPROVAL_ID,
    BOKFORINGSBYRA,
    MANDATE_ID,
    REQUEST_ID,
    SUNDSVALL,
    TEMPLATE_ID,
    TEST_PERSSON,
    VALID_FROM,
    VALID_UNTIL,
    Example,
)
from registry.signing.canonical import base64url_digest

EXAMPLES = {
    "overview_of_my_mandates": Example(
        {
            "requests": [
                {
                    "id": REQUEST_ID,
                    "link": f"https://registry.example/requests/{REQUEST_ID}",
                    "capacity": "signatory",
                    "third_party": SUNDSVALL,
                    "principal": BOKFORINGSBYRA,
                    "representatives": [TEST_PERSSON],
                    "template": {
                        "id": TEMPLATE_ID,
                        "version": 1,
                        "language": "sv",
                        "title": "Restaurangombud",
                        "description": "Ombud som får hjälpa till med ansökningar.",
                    },
                    "expires_at": VALID_UNTIL,
                }
            ],
            "approvals": [
                {
                    "id": APPROVAL_ID,
                    "third_party": SUNDSVALL,
                    "principal": BOKFORINGSBYRA,
                    "principal_role": "organisation",
                    "permission": ALCOHOL,
                    "title": "Ansökan om stadigvarande serveringstillstånd",
                    "content_digest": base64url_digest(b"the form as it was filled in"),
                    "deadline": VALID_UNTIL,
                }
            ],
            "mandates": [
                {
                    "id": MANDATE_ID,
                    "role": "representative",
                    "status": "active",
                    "kind": "representation",
                    "basis": "voluntary",
                    "third_party": SUNDSVALL,
                    "principal": BOKFORINGSBYRA,
                    "representatives": [TEST_PERSSON],
                    "template": {
                        "id": TEMPLATE_ID,
                        "version": 1,
                        "language": "sv",
                        "title": "Restaurangombud",
                        "description": "Ombud som får hjälpa till med ansökningar.",
                    },
                    "permissions": [
                        {"code": ALCOHOL, "title": "Ansöka om serveringstillstånd", "description": None}
                    ],
                    "specifier": {},
                    "valid_from": VALID_FROM,
                    "valid_until": VALID_UNTIL,
                    "ending": None,
                    "withdrawal": {
                        "may_revoke": ["principal", "representative", "third_party", "registrar"],
                        "revocation": f"/v1/mandates/{MANDATE_ID}/revocation",
                        "request": None,
                        "open_request": None,
                    },
                }
            ],
            "next": None,
        },
        {"language": "sv", "limit": 20},
    ),
}
