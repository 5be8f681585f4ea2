"""Examples for acting contexts."""

from registry.api.examples.parts import (
    ALCOHOL,
    BOKFORINGSBYRA,
    ISSUER,
    SERVICE,
    SUNDSVALL,
    TEST_PERSSON,
    Example,
    Json,
    compact_jws,
    nameless,
)
from registry.api.examples.verifications import EXAMPLES as VERIFICATIONS
from registry.signing.encodings import encode_base64url
from registry.signing.records import SealType

_VERIFIED = VERIFICATIONS["verify"]
_CONTEXT = compact_jws(
    {
        "iss": ISSUER,
        "iat": 1795251600,
        "exp": 1795252500,
        "jti": "01a1ff99-e6f6-751b-86c4-f53f6b603d86",
        "third_party": nameless(SUNDSVALL),
        "permissions": _VERIFIED.answer["permissions"],
        "parties": encode_base64url(bytes(range(7, 250))),
    },
    typ=SealType.ACTING_CONTEXT,
)
_PARTIES: Json = {
    "principal": nameless(BOKFORINGSBYRA) | {"name": None},
    "representative": nameless(TEST_PERSSON) | {"name": None},
}

EXAMPLES = {
    "open_an_acting_context": Example(
        _VERIFIED.answer | {"context": _CONTEXT, "expires_at": "2026-11-21T09:15:00Z"}, _VERIFIED.request
    ),
    "exchange_an_acting_context": Example(
        _VERIFIED.answer | _PARTIES,
        {
            "context": _CONTEXT,
            "permissions": [ALCOHOL],
            "representative": nameless(TEST_PERSSON),
            "service": SERVICE,
            "purpose": "inspection 2026-7",
        },
    ),
}
