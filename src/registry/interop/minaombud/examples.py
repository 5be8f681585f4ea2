"""The examples of the description: one request and one answer for each operation."""

from typing import Any, Final

THIRD_PARTY: Final = "2120002411"
MANDATE_ID: Final = "0198f3a0-6f1e-7c3a-9d57-2b8f7a1c4e10"
TEMPLATE_ID: Final = "0198e0c2-11aa-7b2f-8c1d-5e6f7a8b9c0d"

_HOLDER: Final = {"id": "193504049135", "typ": "pnr", "namn": "Test Persson"}
_GRANTOR: Final = {"id": "5561929323", "typ": "orgnr", "namn": "TB Bokföringsbyrå AB"}
_SIGNER: Final = {"id": "198602102389", "typ": "pnr", "namn": "Petronella Malteskog"}
_PERMISSION: Final = {
    "kod": "ceb9028a-ffce-4b9a-adca-165972fec48a",
    "rubrik": "Ansökan om serveringstillstånd",
    "beskrivning": "Ansök om serveringstillstånd för att få servera alkohol.",
}
_PARTIES: Final = {
    "fullmaktsgivare": _GRANTOR,
    "fullmaktsgivarroll": "ORGANISATION",
    "fullmaktshavare": [_HOLDER],
}
_PERIOD: Final = {"giltigFrom": "2026-08-24", "giltigTom": "2028-08-23"}
_STANDING: Final = {
    "referensnummer": MANDATE_ID,
    "registreringstidpunkt": "2026-08-23T08:00:00Z",
    "status": "GILTIG",
}
_SIGNATURE: Final = {
    "protected": "eyJhbGciOiJSUzI1NiIsImtpZCI6IjIwMjYxMTIyLTQyNjc5ZWY4NTgwNSJ9",
    "signature": "bDAG4JwaadmJg-SkHnBQKdgPVH2",
}
_PAGE: Final = {"size": 100, "number": 0, "totalElements": 1, "totalPages": 1}
_TEMPLATE: Final = {
    "id": TEMPLATE_ID,
    "version": 1,
    "rubrik": "Restaurangombud",
    "behorigheter": [_PERMISSION],
    "tjanster": ["oep-serveringstillstand"],
}
_TOKEN: Final = {
    "access_token": "eyJhbGciOiJFUzI1NiJ9.e30.c2ln",
    "token_type": "Bearer",
    "expires_in": 300,
    "scope": "user:self",
}

BODIES: Final[dict[str, Any]] = {
    "sok_behorigheter": {
        "tredjeman": THIRD_PARTY,
        "fullmaktshavare": {"id": "193504049135", "typ": "pnr"},
        "fullmaktsgivarroll": ["ORGANISATION"],
        "page": {"page": 0, "size": 100},
    },
    "sok_fullmakter": {
        "tredjeman": [THIRD_PARTY],
        "fullmaktshavare": {"id": "193504049135", "typ": "pnr"},
        "status": "GILTIG",
        "page": {"page": 0, "size": 100},
    },
}
"""The bodies of the requests, by operation."""

ANSWERS: Final[dict[str, Any]] = {
    "sok_behorigheter": {
        "kontext": [
            {
                "tredjeman": THIRD_PARTY,
                **_PARTIES,
                "behorigheter": [{"kod": _PERMISSION["kod"], "fullmakt": MANDATE_ID}],
                "tidpunkt": "2026-11-22T09:00:00Z",
                "_sig": _SIGNATURE,
            }
        ],
        "page": _PAGE,
    },
    "sok_fullmakter": {
        "fullmakter": [
            {
                "id": MANDATE_ID,
                "tredjeman": THIRD_PARTY,
                **_PARTIES,
                "rubrik": "Restaurangombud",
                **_PERIOD,
                **_STANDING,
            }
        ],
        "page": _PAGE,
    },
    "hamta_fullmakt": {
        "fullmakt": {
            "id": MANDATE_ID,
            "ursprung": {"mall": TEMPLATE_ID},
            "rubrik": "Restaurangombud",
            "beskrivning": "Ombud som får hjälpa till med ansökningar.",
            "skapare": _SIGNER,
            "tredjeman": {"id": THIRD_PARTY, "namn": "Sundsvalls kommun"},
            **_PARTIES,
            "signatarer": [{"juridiskSignatar": {"juridiskPerson": _GRANTOR, "foretradare": [_SIGNER]}}],
            "behorigheter": [_PERMISSION],
            **_PERIOD,
            "transportfullmakt": False,
            "vidaredelning": True,
        },
        "metadata": {
            **_STANDING,
            "underskrifter": [{"person": _SIGNER, "tidpunkt": "2026-08-23T07:45:00Z"}],
        },
        "svarstidpunkt": "2026-11-22T09:00:00Z",
        "_sig": _SIGNATURE,
    },
    "hamta_nycklar": {
        "keys": [
            {
                "kty": "RSA",
                "kid": "20261122-42679ef85805",
                "alg": "RS256",
                "use": "sig",
                "n": "sXchDaQebHnPiGvyDOAT4saGEUetSyo9MKLOoWFsueri23bOdgWp4Dy1Wl",
                "e": "AQAB",
            }
        ]
    },
    "lista_mallar": {"mallar": [_TEMPLATE], "page": _PAGE},
    "hamta_mall": {"mall": _TEMPLATE},
    "hamta_token": _TOKEN,
    "hamta_token_under_basadressen": _TOKEN,
}
"""The answers, by operation."""

ERROR: Final = {
    "type": "urn:registry:problem:invalid-input",
    "instance": "/dfm/formedlare/v2/sok/behorigheter#0198f3a0-6f1e-7c3a-9d57-2b8f7a1c4e11",
    "title": "Invalid input",
    "detail": "/fullmaktshavare/id: The last digit does not fit the others (Luhn).",
    "status": 400,
    "timestamp": "2026-11-22T09:00:00Z",
    "requestId": "0198f3a0-6f1e-7c3a-9d57-2b8f7a1c4e11",
}
"""An error."""

TOKEN_ERROR: Final = {"error": "invalid_client", "error_description": "The client is unknown."}
"""An error of the token endpoint."""
