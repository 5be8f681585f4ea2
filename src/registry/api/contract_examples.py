"""Puts an example on every request, every successful answer and every parameter of the contract."""

from typing import Any

from registry.api.examples import (
    access_log,
    acts,
    approvals,
    contexts,
    deliveries,
    endpoints,
    events,
    evidence,
    log,
    mandate_requests,
    mandates,
    overview,
    restrictions,
    service,
    templates,
    verifications,
    withdrawals,
)
from registry.api.examples.parts import (
    ALCOHOL,
    APPROVAL_ID,
    DELIVERY_ID,
    ENDPOINT_ID,
    EVENT_ID,
    MANDATE_ID,
    REQUEST_ID,
    RESTRICTION_ID,
    SERVICE,
    SUNDSVALL,
    TEMPLATE_ID,
    TEST_PERSSON,
    Example,
    compact_jws,
)

_OPERATIONS: dict[str, Example] = {
    **templates.EXAMPLES,
    **mandate_requests.EXAMPLES,
    **mandates.EXAMPLES,
    **acts.EXAMPLES,
    **withdrawals.EXAMPLES,
    **deliveries.EXAMPLES,
    **verifications.EXAMPLES,
    **restrictions.EXAMPLES,
    **approvals.EXAMPLES,
    **endpoints.EXAMPLES,
    **contexts.EXAMPLES,
    **events.EXAMPLES,
    **overview.EXAMPLES,
    **access_log.EXAMPLES,
    **log.EXAMPLES,
    **evidence.EXAMPLES,
    **service.EXAMPLES,
}

_ID_TOKEN_CLAIMS = {
    "iss": "https://eid.demo.invalid",
    "aud": "demo-platform",
    "sub": "7cbyBxHM0vUYbLK8uWsp1g",
    "iat": 1795251600,
    "exp": 1795251900,
    "https://claims.oidc.se/1.0/personalNumber": TEST_PERSSON["value"],
}
_ID_TOKENS = {
    "organisation": {"summary": "An organisation acts: no id token", "value": ""},
    "person": {
        "summary": "A person acts",
        "value": compact_jws(_ID_TOKEN_CLAIMS, typ="JWT", kid="demo-eid-1"),
    },
}

# Together they find the restaurant template of the demo: there are tools that send all that they show.
_PARAMETERS: dict[str, Any] = {
    "third_party": f"{SUNDSVALL['scheme']}:{SUNDSVALL['value']}",
    "kind": "representation",
    "service": SERVICE,
    "permission": ALCOHOL,
    "status": "published",
    "q": "serveringstillstånd",
    "updated_since": "2020-01-01T00:00:00Z",
    "limit": 20,
    "offset": 0,
    "template_id": TEMPLATE_ID,
    "number": 1,
    "position": 0,
    "mandate_id": MANDATE_ID,
    "approval_id": APPROVAL_ID,
    "restriction_id": RESTRICTION_ID,
    "request_id": REQUEST_ID,
    "event_id": EVENT_ID,
    "endpoint_id": ENDPOINT_ID,
    "delivery_id": DELIVERY_ID,
    "state": "delivered",
    "cursor": DELIVERY_ID,
    "use_id": EVENT_ID,
    "after": "",
    "types": "mandate.issued",
    "wait": 0,
    "Idempotency-Key": "5f0c9a3e-submission-1",
    "If-None-Match": '"g79OU70mcHMVHa81oJEIfttsY6N"',
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
}


_FORM = "application/x-www-form-urlencoded"


def add_examples(document: dict[str, Any]) -> None:
    """Add the examples. Raises KeyError for an operation or a parameter that has none."""
    for parameter in document["components"]["parameters"].values():
        parameter["example"] = _PARAMETERS[parameter["name"]]
    for methods in document["paths"].values():
        for operation in methods.values():
            _add(operation, _OPERATIONS[operation["operationId"]])


def _add(operation: dict[str, Any], example: Example) -> None:
    for parameter in operation["parameters"]:
        if parameter.get("name") == "Id-Token":
            kinds = ("person",) if parameter["required"] else ("organisation", "person")
            parameter["examples"] = {kind: _ID_TOKENS[kind] for kind in kinds}
        elif "name" in parameter:
            parameter["example"] = (_PARAMETERS | example.parameters)[parameter["name"]]
    for media_type, media in operation.get("requestBody", {}).get("content", {}).items():
        media["example"] = example.request
        if media_type == _FORM:
            _add_to_fields(media["schema"]["properties"], example.request or {})
    for status, response in operation["responses"].items():
        if status.startswith("2"):
            for media in response.get("content", {}).values():
                media["example"] = example.answer


def _add_to_fields(fields: dict[str, Any], example: dict[str, Any]) -> None:
    """Put a form's example on each of its fields, too: Swagger UI fills in a form field by field."""
    for name, field in fields.items():
        if name in example:
            field["examples"] = [example[name]]
