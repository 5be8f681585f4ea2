"""Examples for mandates: a company's power of attorney for a restaurant representative."""

from registry.api.examples.parts import (
    ALCOHOL,
    BOKFORINGSBYRA,
    CLIENT,
    CONSISTENCY_TOKEN,
    FILL_IN_FOOD,
    HERMAN,
    JENNY,
    MANDATE_ID,
    MARIA,
    NEW_MANDATE_ID,
    NOW,
    OTHER_MANDATE_ID,
    PETRONELLA,
    STAFF,
    SUNDSVALL,
    TEMPLATE_ID,
    TEST_PERSSON,
    VALID_FROM,
    VALID_UNTIL,
    Example,
    Json,
    compact_jws,
    nameless,
)
from registry.domain.mandate import CONTENT_SCHEMA, RECORD_SCHEMA
from registry.signing.canonical import base64url_digest, canonical_bytes
from registry.signing.encodings import encode_base64url
from registry.signing.records import SealType

_EID = "https://eid.demo.invalid"
_PERSON_CLAIM = "https://claims.oidc.se/1.0/personalNumber"
_UNTIL_LATER = "2028-11-20T09:00:00Z"

_DETAILS: Json = {
    "form": "aktiebolag",
    "signatory_rule": {
        "text": "Firman tecknas av styrelsens ledamöter två i förening eller av Petronella Malteskog ensam",
        "alternatives": [
            {"any_of": [nameless(PETRONELLA)], "count": 1},
            {"any_of": [nameless(person) for person in (HERMAN, MARIA, PETRONELLA)], "count": 2},
        ],
    },
    "source": "Bolagsverket, näringslivsregistret",
    "retrieved_at": "2026-08-22T07:00:00Z",
}


def _content(representative: Json, permissions: list[str], valid_from: str, valid_until: str) -> Json:
    return {
        "schema": CONTENT_SCHEMA,
        "template": {
            "id": TEMPLATE_ID,
            "version": 1,
            "text_digest": "u6yBbAyHAzH37cLMhERe9on39tQ_HttdlNZ7gop4Faw",
        },
        "kind": "representation",
        "third_party": SUNDSVALL,
        "principal": BOKFORINGSBYRA,
        "principal_role": "organisation",
        "principal_details": _DETAILS,
        "representatives": [representative],
        "permissions": permissions,
        "permission_details": {},
        "specifier": {},
        "valid_from": valid_from,
        "valid_until": valid_until,
        "language": "sv",
        "basis": "voluntary",
        "parent": None,
        "supersedes": None,
        "external_ref": None,
    }


def _evidence(person: Json, signed_digest: str) -> str:
    claims = {
        "iss": _EID,
        "iat": 1795251600,
        _PERSON_CLAIM: person["value"],
        "name": person["name"],
        "content_digest": signed_digest,
    }
    return compact_jws(claims, typ="mandate-signature+jwt", kid="demo-eid-1")


def _signature(person: Json, signed_at: str, signed_digest: str) -> Json:
    return {
        "signer": person,
        "capacity": "signatory",
        "method": "jws",
        "signed_at": signed_at,
        "evidence": {
            "format": "jws",
            "digest": base64url_digest(_evidence(person, signed_digest).encode()),
        },
        "registrar": None,
        "issuer": _EID,
    }


def _digest(content: Json) -> str:
    return base64url_digest(canonical_bytes(content))


def _record(mandate_id: str, content: Json, issued_at: str, *signers: Json) -> Json:
    return {
        "schema": RECORD_SCHEMA,
        "id": mandate_id,
        "issued_at": issued_at,
        "registered_by": CLIENT,
        "content": content,
        "content_digest": _digest(content),
        "signatures": [_signature(person, issued_at, _digest(content)) for person in signers],
    }


def sealed_record(record: Json) -> str:
    """A record as the registry seals it."""
    return compact_jws(record, typ=SealType.MANDATE)


def _mandate(record: Json, consistency_token: str | None) -> Json:
    content: Json = record["content"]
    return content | {
        "id": record["id"],
        "status": "active",
        "issued_at": record["issued_at"],
        "registered_by": record["registered_by"],
        "content_digest": record["content_digest"],
        "record_digest": base64url_digest(sealed_record(record).encode()),
        "signatures": record["signatures"],
        "request_id": None,
        "consistency_token": consistency_token,
    }


RECORD = _record(
    MANDATE_ID,
    _content(TEST_PERSSON, [FILL_IN_FOOD, STAFF, ALCOHOL], VALID_FROM, VALID_UNTIL),
    "2026-08-22T08:00:00Z",
    HERMAN,
    MARIA,
)
_NEW = _content(JENNY, [ALCOHOL], NOW, _UNTIL_LATER) | {"external_ref": "case 2026-114"}
_NEW_RECORD = _record(NEW_MANDATE_ID, _NEW, NOW, PETRONELLA)

_PROPOSED: Json = {
    "template": {"id": TEMPLATE_ID, "version": 1},
    "principal": BOKFORINGSBYRA,
    "principal_details": _DETAILS,
    "representatives": [JENNY],
    "permissions": [ALCOHOL],
    "language": "sv",
    "external_ref": "case 2026-114",
}
_SIGNED = _PROPOSED | {
    "valid_from": NOW,
    "valid_until": _UNTIL_LATER,
    "signatures": [
        {
            "capacity": "signatory",
            "method": "jws",
            "evidence": {"format": "jws", "data": _evidence(PETRONELLA, _digest(_NEW))},
        }
    ],
}

EXAMPLES = {
    "issue_a_mandate": Example(_mandate(_NEW_RECORD, CONSISTENCY_TOKEN) | {"also_ended": []}, _SIGNED),
    "preview_a_mandate": Example(
        {
            "to_be_signed": encode_base64url(canonical_bytes(_NEW)),
            "digest": _digest(_NEW),
            "capacity": "signatory",
            "content": _NEW,
            "conflicts": [],
        },
        _PROPOSED,
    ),
    "search_mandates": Example(
        {"items": [_mandate(RECORD, None)], "next": None},
        {"representative": nameless(TEST_PERSSON), "status": "active", "limit": 20},
    ),
    "ask_for_the_status_of_many": Example(
        {
            "items": [
                {"id": MANDATE_ID, "status": "active"},
                {"id": OTHER_MANDATE_ID, "status": "not_found"},
            ],
            "checked_at": NOW,
        },
        {"ids": [MANDATE_ID, OTHER_MANDATE_ID]},
    ),
    "read_a_mandate": Example(_mandate(RECORD, CONSISTENCY_TOKEN)),
    "read_the_scan_of_a_signature": Example("%PDF-1.7 ..."),
    "read_the_sealed_record": Example(sealed_record(RECORD)),
}
