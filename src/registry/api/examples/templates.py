"""Examples for templates."""

from registry.api.examples.parts import (
    ALCOHOL,
    DRAFT_ID,
    FILL_IN_FOOD,
    NOW,
    SERVICE,
    STAFF,
    SUNDSVALL,
    TEMPLATE_ID,
    Example,
    Json,
)


def _permission(code: str, kind: str, title: str, description: str, *, preselected: bool = False) -> Json:
    return {
        "code": code,
        "type": kind,
        "title": {"sv": title},
        "description": {"sv": description},
        "preselected": preselected,
        "details": [],
    }


_RESTAURANT: Json = {
    "third_party": SUNDSVALL,
    "kind": "representation",
    "department": "Miljö- och alkoholtillsyn",
    "services": ["oep-livsmedel-registrering", SERVICE, "oep-serveringsansvarig"],
    "title": {"sv": "Restaurangombud", "en": "Restaurant representative"},
    "description": {
        "sv": "Ombud som får vara behjälpligt att fylla i ansökningar och anmälningar vid start, drift och "
        "avslut kring tillstånd att sälja alkohol och tobak i verksamheten.",
        "en": "A representative who may help to fill in applications and notifications when starting, "
        "running and closing a business that sells alcohol and tobacco.",
    },
    "permissions": [
        _permission(
            FILL_IN_FOOD,
            "fill_in",
            "Lämna uppgifter för registrering av livsmedelsanläggning",
            "Behörighet att fylla i ansökan som sedan går vidare för signering av firmatecknare.",
            preselected=True,
        ),
        _permission(
            ALCOHOL,
            "sign",
            "Ansökan om serveringstillstånd",
            "Ansök om serveringstillstånd för att få sälja eller servera alkohol till allmänheten och till "
            "slutna sällskap.",
        ),
        _permission(
            STAFF,
            "sign",
            "Anmälan om serveringsansvarig personal",
            "Anmäl de personer som utsetts som serveringsansvarig personal med namn och personnummer.",
        ),
    ],
    "principal_types": ["organisation"],
    "representative_types": ["person"],
    "validity": {"default_days": 730, "max_days": 1825, "open_ended": False},
    "signing": {"by": "signatories", "methods": ["jws", "registered"], "request_lifetime_days": 180},
    "delegation": {"max_depth": 1},
    "exercise": {"together": 1, "approval": False, "max_uses": None},
    "age_limits": {"principal_below": None, "representative_from": 18},
    "may_revoke": ["principal", "representative", "third_party", "registrar"],
    "notify": {
        "issued": ["principal", "representative"],
        "used": ["principal"],
        "ended": ["principal", "representative"],
    },
    "expiry_warning_days": [30, 7],
    "specifiers": ["property"],
    "details": {},
    "retention_days": 3650,
    "external_code": None,
}

_BUILDING: Json = {
    "third_party": SUNDSVALL,
    "kind": "representation",
    "department": "Stadsbyggnadskontoret",
    "services": ["oep-bygglov"],
    "title": {"sv": "Ombud i bygglovsärenden", "en": "Representative in building permit matters"},
    "description": {"sv": "Ombud som söker bygglov och följer ärendet för den som bygger."},
    "permissions": [
        _permission(
            "bygglov-ansoka", "sign", "Ansöka om bygglov", "Lämna in ansökan med ritningar.", preselected=True
        ),
        _permission("bygglov-folja", "read", "Följa ärendet", "Läsa handlingar och beslut."),
    ],
    "principal_types": ["person", "organisation"],
    "representative_types": ["person", "organisation"],
    "validity": {"default_days": 365, "max_days": 730, "open_ended": False},
    "signing": {"by": "principal", "methods": ["jws", "registered"], "request_lifetime_days": 180},
    "delegation": {"max_depth": 0},
    "exercise": {"together": 1, "approval": False, "max_uses": None},
    "age_limits": {"principal_below": None, "representative_from": 18},
    "may_revoke": ["principal", "representative", "third_party", "registrar"],
    "notify": {"issued": ["principal", "representative"], "used": [], "ended": ["principal"]},
    "expiry_warning_days": [30],
    "specifiers": ["property"],
    "details": {},
    "retention_days": 3650,
    "external_code": None,
}


def _version(content: Json, template_id: str, number: int, status: str, published_at: str | None) -> Json:
    return content | {
        "id": template_id,
        "version": number,
        "status": status,
        "updated_at": published_at or NOW,
        "published_at": published_at,
        "replaced_at": None,
    }


_PUBLISHED = _version(_RESTAURANT, TEMPLATE_ID, 1, "published", "2024-11-21T09:00:00Z")
_DRAFT = _version(_BUILDING, DRAFT_ID, 1, "draft", None)

_OF_DRAFT = {"template_id": DRAFT_ID}

EXAMPLES = {
    "list_templates": Example({"items": [_PUBLISHED], "total": 1, "limit": 20, "offset": 0}),
    "create_a_template": Example(_DRAFT, _BUILDING, {"Idempotency-Key": "bygglov-template-1"}),
    "read_a_template": Example(_PUBLISHED),
    "list_versions": Example({"items": [_PUBLISHED]}),
    "add_a_version": Example(
        _version(_BUILDING, DRAFT_ID, 2, "draft", None),
        _BUILDING,
        _OF_DRAFT | {"Idempotency-Key": "bygglov-template-2"},
    ),
    "read_a_version": Example(_PUBLISHED),
    "edit_a_draft": Example(_DRAFT, _BUILDING, _OF_DRAFT),
    "publish_a_version": Example(_version(_BUILDING, DRAFT_ID, 1, "published", NOW), parameters=_OF_DRAFT),
    "retire_a_template": Example(_version(_BUILDING, DRAFT_ID, 1, "retired", NOW), parameters=_OF_DRAFT),
}
