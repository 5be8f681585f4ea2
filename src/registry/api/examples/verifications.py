"""Examples for verification."""

from registry.api.examples.parts import (
    ALCOHOL,
    ALYCKAN,
    BOKFORINGSBYRA,
    CATERING,
    CONSISTENCY_TOKEN,
    FILL_IN_FOOD,
    ISSUER,
    MANDATE_ID,
    NOW,
    OTHER_MANDATE_ID,
    SERVICE,
    TEST_PERSSON,
    VALID_UNTIL,
    Example,
    Json,
    compact_jws,
    nameless,
)
from registry.signing.canonical import canonical_bytes
from registry.signing.encodings import encode_base64url
from registry.signing.records import SealType
from registry.tlog.merkle import inclusion_path, leaf_hash, levels, root

_AUDIT_ID = "01a1ff99-e6f6-751b-86c4-f53f6b603d86"
_ISSUED_AT = 1795251600


def _question(*permissions: str) -> Json:
    return {
        "principal": nameless(BOKFORINGSBYRA),
        "representative": nameless(TEST_PERSSON),
        "permissions": list(permissions),
        "service": SERVICE,
        "purpose": "submission 2026-114",
    }


def _permit(code: str, mandate_id: str, valid_until: str) -> Json:
    return {
        "code": code,
        "decision": "permit",
        "reasons": [],
        "mandate_id": mandate_id,
        "valid_until": valid_until,
    }


_PERMIT: Json = {
    "decision": "permit",
    "reasons": [],
    "permissions": [_permit(ALCOHOL, MANDATE_ID, VALID_UNTIL)],
    "checked_at": NOW,
}
_DENY: Json = {
    "decision": "deny",
    "reasons": ["out_of_scope"],
    "permissions": [{"code": CATERING, "decision": "deny", "reasons": ["out_of_scope"]}],
    "checked_at": NOW,
}


def _claims(**more: object) -> Json:
    return {"iss": ISSUER, "iat": _ISSUED_AT, "jti": _AUDIT_ID, **more}


def _single() -> Example:
    question = _question(ALCOHOL)
    receipt = compact_jws(_claims(question=question, answer=_PERMIT), typ=SealType.RECEIPT)
    return Example(_PERMIT | {"consistency_token": CONSISTENCY_TOKEN, "receipt": receipt}, question)


def _batch() -> Example:
    questions, answers = [_question(ALCOHOL), _question(CATERING)], [_PERMIT, _DENY]
    pairs = zip(questions, answers, strict=True)
    tree = levels([leaf_hash(canonical_bytes({"question": one, "answer": other})) for one, other in pairs])
    claims = _claims(size=len(answers), root=encode_base64url(root(tree)))
    shown = [
        answer
        | {
            "consistency_token": CONSISTENCY_TOKEN,
            "receipt_path": {
                "index": index,
                "path": [encode_base64url(node) for node in inclusion_path(tree, index)],
            },
        }
        for index, answer in enumerate(answers)
    ]
    receipt = compact_jws(claims, typ=SealType.BATCH_RECEIPT)
    return Example({"answers": shown, "receipt": receipt}, {"questions": questions})


def _represented(principal: Json, *permissions: Json) -> Json:
    return {
        "principal": principal,
        "principal_role": "organisation",
        "principal_details": {"form": "aktiebolag", "source": "Bolagsverket, näringslivsregistret"},
        "specifier": {},
        "via": "mandate",
        "permissions": list(permissions),
    }


EXAMPLES = {
    "verify": _single(),
    "verify_many": _batch(),
    "on_whose_behalf": Example(
        {
            "items": [
                _represented(ALYCKAN, _permit(FILL_IN_FOOD, OTHER_MANDATE_ID, "2028-10-20T22:00:00Z")),
                _represented(
                    BOKFORINGSBYRA,
                    _permit(FILL_IN_FOOD, MANDATE_ID, VALID_UNTIL),
                    _permit(ALCOHOL, MANDATE_ID, VALID_UNTIL),
                ),
            ],
            "next": None,
            "own_engagements": "listed",
        },
        {"representative": nameless(TEST_PERSSON), "service": SERVICE, "purpose": "form 2026-114"},
    ),
}
