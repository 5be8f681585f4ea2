"""Examples for webhook endpoints and deliveries."""

from registry.api.examples.parts import (
    DELIVERY_ID,
    ENDPOINT_ID,
    MANDATE_ID,
    NOW,
    SERVICE,
    TEMPLATE_ID,
    Example,
    Json,
)

_PUBLIC_KEY = "whpk_1SiA49hyqTCpIqJC5V9HUakiiaeACeqfZTInDBbOhrw="
_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105  # of the standard's own example
_ASKED: Json = {
    "url": "https://cases.example.org/webhooks",
    "event_types": ["mandate.revoked", "mandate.renounced", "mandate.expiring", "mandate.expired"],
    "filters": {"templates": [], "services": [SERVICE]},
    "format": "standard",
    "rate_per_second": 50,
    "concurrency": 5,
}
_SHOWN: Json = {"secret": None, "public_key": _PUBLIC_KEY, "until": None}
_REGISTERED: Json = {
    "id": ENDPOINT_ID,
    **_ASKED,
    "status": "pending",
    "reason": None,
    "status_since": NOW,
    "failing_since": None,
    "departments": [],
    "created_at": NOW,
    "secrets": [_SHOWN | {"secret": _SECRET}],
}
_ENABLED: Json = _REGISTERED | {
    "status": "enabled",
    "status_since": "2026-11-21T09:00:01Z",
    "secrets": [_SHOWN],
}
_DELIVERED: Json = {
    "id": DELIVERY_ID,
    "webhook_id": f"msg_{DELIVERY_ID.replace('-', '')}",
    "type": "mandate.revoked",
    "sequence": 4711,
    "state": "delivered",
    "reason": None,
    "created_at": NOW,
    "due_at": None,
    "finished_at": "2026-11-21T09:00:06Z",
    "attempts": 2,
}
_QUEUED: Json = _DELIVERED | {"state": "waiting", "due_at": "2026-11-21T10:00:00Z", "finished_at": None}
_HISTORY: list[Json] = [
    {
        "number": 1,
        "at": NOW,
        "status": 503,
        "failure": None,
        "duration_ms": 48,
        "answer": "Service unavailable",
        "answer_base64": None,
    },
    {
        "number": 2,
        "at": "2026-11-21T09:00:06Z",
        "status": 204,
        "failure": None,
        "duration_ms": 31,
        "answer": "",
        "answer_base64": None,
    },
]

MESSAGE: Json = {
    "type": "mandate.revoked",
    "timestamp": NOW,
    "data": {
        "id": DELIVERY_ID,
        "type": "mandate.revoked",
        "sequence": 4711,
        "occurred_at": NOW,
        "mandate_id": MANDATE_ID,
        "template_id": TEMPLATE_ID,
        "template_version": 1,
        "services": [SERVICE],
        "notify": ["principal", "representative"],
        "details": {"by": "principal", "because_of": None},
        "open_cases": [{"use_id": DELIVERY_ID, "case_ref": "ALK-2026-114"}],
        "open_case_count": 1,
    },
}
MESSAGE_HEADERS = {
    "webhook-id": _DELIVERED["webhook_id"],
    "webhook-timestamp": "1795251606",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= "
    "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==",
}

EXAMPLES = {
    "register_an_endpoint": Example(_REGISTERED, _ASKED, {"Idempotency-Key": "endpoint-2026-1"}),
    "list_endpoints": Example({"items": [_ENABLED], "total": 1, "limit": 20, "offset": 0}),
    "read_an_endpoint": Example(_ENABLED),
    "change_an_endpoint": Example(_ENABLED | {"rate_per_second": 10}, {"rate_per_second": 10}),
    "delete_an_endpoint": Example(None),
    "rotate_the_secret": Example(
        _ENABLED
        | {
            "secrets": [
                _SHOWN
                | {
                    "secret": "whsec_plJ3nmyCDGBKInavdOK15jsl",
                    "public_key": "whpk_aO1ka9eqB0ZrGQIPLgfUqo9JMxcYmD/y5ZXF3tBdr1c=",
                },
                _SHOWN | {"until": "2026-11-22T09:00:00Z"},
            ]
        },
        {"overlap_hours": 24},
    ),
    "ping_an_endpoint": Example(
        _QUEUED | {"type": "endpoint.ping", "sequence": None, "due_at": NOW, "attempts": 0}
    ),
    "replay_events": Example({"queued": 12, "next_since": None}, {"since": NOW}),
    "list_deliveries": Example({"items": [_DELIVERED], "next": None}),
    "read_a_delivery": Example(_DELIVERED | {"history": _HISTORY}),
    "deliver_again": Example(_QUEUED),
}
