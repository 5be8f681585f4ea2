"""Organisations apart: to a stranger, another's object answers exactly as one that does not exist.

Every operation of the contract has an entry here; one that is added without fails.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
import pytest
from uuid_utils.compat import uuid7

from acting import jws_signature, paper_signature
from api.test_paper_scans import scanned
from asking import company_body
from contract_reading import contract
from factories import (
    BERI,
    HERMAN,
    MARIA,
    PAUL,
    TEST_PERSSON,
    Organisation,
    World,
    mandate_body,
    person,
    question,
    template_body,
)
from log_filling import integrate
from registry.api.contract import operations

Json = dict[str, Any]

CONTRACT = contract()
OPERATIONS = [
    (method.upper(), path) for path, method, operation in operations(CONTRACT) if operation["security"]
]
PUBLIC = [path for path, _, operation in operations(CONTRACT) if not operation["security"]]


@dataclass(frozen=True)
class Named:
    """What a request names: another organisation's objects and persons, or ones that nobody knows."""

    template: str
    mandate: str
    request: str
    principal: str
    representative: str
    restriction: str
    approval: str
    endpoint: str
    delivery: str


@dataclass(frozen=True)
class Tenants:
    world: World
    owner: Organisation
    stranger: Organisation
    own_template: Json
    foreign: Named
    opened: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
async def tenants(world: World) -> Tenants:
    """An owner with a draft and a mandate, and a stranger who has a template of its own."""
    owner = await world.organisation(name="Sundsvalls kommun")
    stranger = await world.organisation(name="Karlskrona kommun")
    on_paper = await world.publish_template(owner, signing={"methods": ["jws", "registered", "paper"]})
    body = mandate_body(on_paper, signatures=[scanned()])
    mandate = (await owner.post("/v1/mandates", body)).json()
    draft = (await owner.post("/v1/templates", template_body(owner))).json()
    restriction = (await owner.post("/v1/restrictions", restricting(owner))).json()
    request = (await owner.post("/v1/mandate-requests", company_body(on_paper))).json()
    signature = scanned(signer=person(HERMAN), capacity="signatory")
    signed = await owner.post(f"/v1/mandate-requests/{request['id']}/signatures", signature)
    assert signed.json()["status"] == "pending"
    approval = (await owner.post("/v1/approvals", matter(owner))).json()
    wished = {"url": "https://cases.example.org/webhooks", "event_types": ["*"]}
    endpoint = (await owner.post("/v1/webhook-endpoints", wished)).json()
    ping = (await owner.post(f"/v1/webhook-endpoints/{endpoint['id']}/ping")).json()
    foreign = Named(
        draft["id"],
        mandate["id"],
        request["id"],
        BERI,
        PAUL,
        restriction["id"],
        approval["id"],
        endpoint["id"],
        ping["id"],
    )
    await integrate(world)
    return Tenants(world, owner, stranger, await world.publish_template(stranger), foreign)


Ask = Callable[[Tenants, Named], Awaitable[httpx.Response]]


def get(address: str) -> Ask:
    return lambda tenants, named: tenants.stranger.get(address.format(**vars(named)))


def post(address: str, body: Callable[[Tenants, Named], Json] = lambda _, __: {}) -> Ask:
    return lambda tenants, named: tenants.stranger.post(
        address.format(**vars(named)), body(tenants, named), **{"Idempotency-Key": str(uuid7())}
    )


def own_template_body(tenants: Tenants, _: Named) -> Json:
    return template_body(tenants.stranger)


async def replace_draft(tenants: Tenants, named: Named) -> httpx.Response:
    address = f"/v1/templates/{named.template}/versions/1"
    return await tenants.stranger.http.put(address, json=template_body(tenants.stranger))


async def issue(tenants: Tenants, named: Named) -> httpx.Response:
    """Issue on a template of one's own what supersedes the named mandate."""
    body = mandate_body(tenants.own_template, supersedes=named.mandate)
    return await tenants.stranger.post("/v1/mandates", await tenants.world.sign(tenants.stranger, body, BERI))


async def sign_request(tenants: Tenants, named: Named) -> httpx.Response:
    """Sign with evidence that is good, but of a person and for content that have no part in it."""
    signature = jws_signature(tenants.world.evidence(named.representative, "A" * 43))
    return await tenants.stranger.post(f"/v1/mandate-requests/{named.request}/signatures", signature)


async def decline_as_another(tenants: Tenants, named: Named) -> httpx.Response:
    """Decline as a person who has no part in it."""
    token = tenants.world.id_token(TEST_PERSSON, tenants.stranger.client_id)
    return await tenants.stranger.post(f"/v1/mandate-requests/{named.request}/decline", Id_Token=token)


def asked(tenants: Tenants, named: Named) -> Json:
    return question(
        tenants.stranger,
        principal=person(named.principal, None),
        representative=person(named.representative, None),
    )


async def audit(tenants: Tenants, named: Named) -> httpx.Response:
    """As an organisation that has asked nothing yet: of others' look-ups it sees none."""
    auditor = await tenants.world.organisation()
    body = {"party": person(named.principal, None), "purpose": "audit 2026-1"}
    return await auditor.post("/v1/access-log/search", body)


DIGEST = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"


async def exchange_own_context(tenants: Tenants, named: Named) -> httpx.Response:
    """Open a context for parties of one's own, and exchange it for the named ones."""
    stranger = tenants.stranger
    if not tenants.opened:
        await tenants.world.issue(stranger, tenants.own_template, principal=person(TEST_PERSSON))
        own = question(stranger, principal=person(TEST_PERSSON, None))
        tenants.opened.append((await stranger.post("/v1/acting-contexts", own)).json()["context"])
    body = {
        "context": tenants.opened[0],
        "permissions": ["apply"],
        "principal": person(named.principal, None),
        "representative": person(named.representative, None),
    }
    return await stranger.post("/v1/acting-contexts/exchange", body)


async def deliver(tenants: Tenants, named: Named) -> httpx.Response:
    """On a template that is named: deliveries themselves are found under one's own organisation only."""
    body = mandate_body(tenants.own_template | {"id": named.template})
    address = "/v1/statutory-deliveries/register/1"
    return await tenants.stranger.http.put(address, json={"mandates": [body]})


ENDPOINT = "/v1/webhook-endpoints/{endpoint}"


async def change_endpoint(tenants: Tenants, named: Named) -> httpx.Response:
    return await tenants.stranger.http.patch(ENDPOINT.format(**vars(named)), json={"enabled": False})


async def delete_endpoint(tenants: Tenants, named: Named) -> httpx.Response:
    return await tenants.stranger.http.delete(ENDPOINT.format(**vars(named)))


REASON = {"reason": "we were asked to"}
CLERK = {"scheme": "username", "value": "anna.andersson"}


def restricting(owner: Organisation, **changes: Any) -> Json:  # noqa: ANN401
    """A restriction on somebody whom no question here is about."""
    body = {"subject": person(TEST_PERSSON, None), "scope": "own_login", "third_party": owner.wire}
    return body | REASON | changes


def matter(owner: Organisation, **changes: Any) -> Json:  # noqa: ANN401
    return {
        "principal": person(BERI, None),
        "representative": person(PAUL, None),
        "third_party": owner.wire,
        "permission": "apply",
        "title": "Application 2026-114",
        "content_digest": DIGEST,
        "deadline": "2098-01-01T00:00:00Z",
    } | changes


def revocation(by: str) -> Callable[[Tenants, Named], Json]:
    return lambda _, __: {"by": by} | REASON


ENTRIES: dict[tuple[str, str], list[Ask]] = {
    ("GET", "/v1/templates"): [get("/v1/templates?status=draft&q={template}")],
    ("POST", "/v1/templates"): [],  # names nothing that exists
    ("GET", "/v1/templates/{template_id}"): [get("/v1/templates/{template}")],
    ("GET", "/v1/templates/{template_id}/versions"): [get("/v1/templates/{template}/versions")],
    ("POST", "/v1/templates/{template_id}/versions"): [
        post("/v1/templates/{template}/versions", own_template_body),
        post("/v1/templates/{template}/versions", lambda tenants, _: template_body(tenants.owner)),
    ],
    ("GET", "/v1/templates/{template_id}/versions/{number}"): [get("/v1/templates/{template}/versions/1")],
    ("PUT", "/v1/templates/{template_id}/versions/{number}"): [replace_draft],
    ("POST", "/v1/templates/{template_id}/versions/{number}/publication"): [
        post("/v1/templates/{template}/versions/1/publication")
    ],
    ("POST", "/v1/templates/{template_id}/retirement"): [post("/v1/templates/{template}/retirement")],
    ("POST", "/v1/mandate-requests"): [
        post(
            "/v1/mandate-requests",
            lambda t, named: mandate_body(t.own_template | {"id": named.template}),
        ),
    ],
    ("POST", "/v1/mandate-requests/search"): [
        post("/v1/mandate-requests/search", lambda _, named: {"principal": person(named.principal, None)}),
        post("/v1/mandate-requests/search", lambda _, named: {"signer": person(named.principal, None)}),
        post("/v1/mandate-requests/search", lambda _, named: {"template_id": named.template}),
        post("/v1/mandate-requests/search", lambda _, named: {"cursor": named.request}),
    ],
    ("GET", "/v1/mandate-requests/{request_id}"): [get("/v1/mandate-requests/{request}")],
    ("POST", "/v1/mandate-requests/{request_id}/signatures"): [
        sign_request,
        post(
            "/v1/mandate-requests/{request}/signatures",
            lambda t, named: paper_signature(person(named.principal, None), t.world.clock()),
        ),
    ],
    ("POST", "/v1/mandate-requests/{request_id}/decline"): [
        post("/v1/mandate-requests/{request}/decline"),
        decline_as_another,
    ],
    ("POST", "/v1/mandate-requests/{request_id}/cancellation"): [
        post("/v1/mandate-requests/{request}/cancellation")
    ],
    ("POST", "/v1/mandates"): [
        issue,
        post("/v1/mandates", lambda t, named: mandate_body(t.own_template | {"id": named.template})),
    ],
    ("POST", "/v1/mandates/preview"): [
        post("/v1/mandates/preview", lambda t, named: mandate_body(t.own_template | {"id": named.template})),
        post("/v1/mandates/preview", lambda t, named: mandate_body(t.own_template, parent=named.mandate)),
    ],
    ("POST", "/v1/mandates/search"): [
        post("/v1/mandates/search", lambda _, named: {"principal": person(named.principal, None)}),
        post("/v1/mandates/search", lambda _, named: {"representative": person(named.representative, None)}),
        post("/v1/mandates/search", lambda _, named: {"template_id": named.template}),
        post("/v1/mandates/search", lambda _, named: {"cursor": named.mandate}),
    ],
    ("POST", "/v1/mandates/status"): [post("/v1/mandates/status", lambda _, named: {"ids": [named.mandate]})],
    ("GET", "/v1/mandates/{mandate_id}"): [get("/v1/mandates/{mandate}")],
    ("GET", "/v1/mandates/{mandate_id}/signatures/{position}/attachment"): [
        get("/v1/mandates/{mandate}/signatures/0/attachment")
    ],
    ("GET", "/v1/mandate-requests/{request_id}/signatures/{position}/attachment"): [
        get("/v1/mandate-requests/{request}/signatures/0/attachment")
    ],
    ("GET", "/v1/mandates/{mandate_id}/record"): [get("/v1/mandates/{mandate}/record")],
    ("GET", "/v1/mandates/{mandate_id}/events"): [get("/v1/mandates/{mandate}/events")],
    ("GET", "/v1/mandates/{mandate_id}/evidence"): [get("/v1/mandates/{mandate}/evidence")],
    ("POST", "/v1/mandates/{mandate_id}/revocation"): [
        post("/v1/mandates/{mandate}/revocation", revocation(by))
        for by in ("principal", "representative", "third_party", "registrar")
    ],
    ("POST", "/v1/mandates/{mandate_id}/revocation/preview"): [
        post("/v1/mandates/{mandate}/revocation/preview", lambda _, __: {"by": "principal"})
    ],
    ("POST", "/v1/mandates/{mandate_id}/withdrawal-requests"): [
        post("/v1/mandates/{mandate}/withdrawal-requests", revocation("principal")),
        post(
            "/v1/mandates/{mandate}/withdrawal-requests",
            lambda _, __: {"by": "registrar", "registrar": {"employee": CLERK, "statement": "x"}} | REASON,
        ),
    ],
    ("POST", "/v1/mandates/{mandate_id}/withdrawal-requests/preview"): [
        post("/v1/mandates/{mandate}/withdrawal-requests/preview", revocation("principal"))
    ],
    ("POST", "/v1/mandates/{mandate_id}/withdrawal-requests/{event_id}/completion"): [
        post("/v1/mandates/{mandate}/withdrawal-requests/{mandate}/completion", lambda _, __: REASON)
    ],
    ("POST", "/v1/mandates/{mandate_id}/withdrawal-requests/{event_id}/refusal"): [
        post("/v1/mandates/{mandate}/withdrawal-requests/{mandate}/refusal", lambda _, __: REASON)
    ],
    ("POST", "/v1/mandates/{mandate_id}/suspension"): [
        post("/v1/mandates/{mandate}/suspension", lambda _, __: REASON)
    ],
    ("POST", "/v1/mandates/{mandate_id}/resumption"): [
        post("/v1/mandates/{mandate}/resumption", lambda _, __: REASON)
    ],
    ("POST", "/v1/mandates/{mandate_id}/uses"): [
        post(
            "/v1/mandates/{mandate}/uses",
            lambda _, named: {
                "permission": "apply",
                "case_ref": "1",
                "by": person(named.representative, None),
            },
        )
    ],
    ("POST", "/v1/mandates/{mandate_id}/uses/{use_id}/closure"): [
        post("/v1/mandates/{mandate}/uses/{mandate}/closure")
    ],
    ("GET", "/v1/events"): [get("/v1/events"), get("/v1/events?types=mandate.issued")],
    ("PUT", "/v1/statutory-deliveries/{source}/{key}"): [deliver],
    ("POST", "/v1/me/overview"): [
        post("/v1/me/overview"),
        post("/v1/me/overview", lambda _, named: {"cursor": named.mandate}),
    ],
    ("POST", "/v1/me/access-log"): [post("/v1/me/access-log")],
    ("POST", "/v1/access-log/search"): [audit],
    ("POST", "/v1/verifications"): [
        post("/v1/verifications", asked),
        post("/v1/verifications", lambda t, named: asked(t, named) | {"known_at": "2020-01-01T00:00:00Z"}),
        post("/v1/verifications", lambda t, named: asked(t, named) | {"third_party": t.owner.wire}),
        post(
            "/v1/verifications",
            lambda t, named: asked(t, named) | {"approval_id": named.approval, "content_digest": DIGEST},
        ),
    ],
    ("POST", "/v1/verifications/batch"): [
        post("/v1/verifications/batch", lambda t, named: {"questions": [asked(t, named)]})
    ],
    ("POST", "/v1/restrictions"): [
        post("/v1/restrictions", lambda tenants, _: restricting(tenants.owner)),
        post("/v1/restrictions", lambda tenants, _: restricting(tenants.owner, third_party=None)),
    ],
    ("POST", "/v1/restrictions/search"): [
        post("/v1/restrictions/search", lambda _, __: {"subject": person(TEST_PERSSON, None)}),
        post("/v1/restrictions/search", lambda t, _: {"third_party": t.owner.wire}),
        post("/v1/restrictions/search", lambda _, named: {"cursor": named.restriction}),
    ],
    ("GET", "/v1/restrictions/{restriction_id}"): [get("/v1/restrictions/{restriction}")],
    ("POST", "/v1/restrictions/{restriction_id}/lifting"): [
        post("/v1/restrictions/{restriction}/lifting", lambda _, __: REASON)
    ],
    ("POST", "/v1/webhook-endpoints"): [],  # names nothing that exists
    ("GET", "/v1/webhook-endpoints"): [get("/v1/webhook-endpoints")],
    ("GET", "/v1/webhook-endpoints/{endpoint_id}"): [get(ENDPOINT)],
    ("PATCH", "/v1/webhook-endpoints/{endpoint_id}"): [change_endpoint],
    ("DELETE", "/v1/webhook-endpoints/{endpoint_id}"): [delete_endpoint],
    ("POST", "/v1/webhook-endpoints/{endpoint_id}/secret-rotation"): [post(ENDPOINT + "/secret-rotation")],
    ("POST", "/v1/webhook-endpoints/{endpoint_id}/ping"): [post(ENDPOINT + "/ping")],
    ("POST", "/v1/webhook-endpoints/{endpoint_id}/replay"): [
        post(ENDPOINT + "/replay", lambda t, _: {"since": t.world.clock().isoformat()})
    ],
    ("GET", "/v1/webhook-endpoints/{endpoint_id}/deliveries"): [get(ENDPOINT + "/deliveries")],
    ("GET", "/v1/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}"): [
        get(ENDPOINT + "/deliveries/{delivery}")
    ],
    ("POST", "/v1/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}/redelivery"): [
        post(ENDPOINT + "/deliveries/{delivery}/redelivery")
    ],
    ("POST", "/v1/acting-contexts"): [post("/v1/acting-contexts", asked)],
    ("POST", "/v1/acting-contexts/exchange"): [exchange_own_context],
    ("POST", "/v1/approvals"): [post("/v1/approvals", lambda tenants, _: matter(tenants.owner))],
    ("POST", "/v1/approvals/search"): [
        post("/v1/approvals/search", lambda _, __: {"principal": person(BERI, None)}),
        post("/v1/approvals/search", lambda t, _: {"third_party": t.owner.wire}),
        post("/v1/approvals/search", lambda _, named: {"cursor": named.approval}),
    ],
    ("GET", "/v1/approvals/{approval_id}"): [get("/v1/approvals/{approval}")],
    ("POST", "/v1/approvals/{approval_id}/decision"): [
        post("/v1/approvals/{approval}/decision", lambda _, __: {"decision": "approved"}),
        post(
            "/v1/approvals/{approval}/decision",
            lambda t, _: {
                "decision": "approved",
                "signature": {"evidence": {"format": "jws", "data": t.world.evidence(MARIA, DIGEST)}},
            },
        ),
    ],
    ("POST", "/v1/representations/search"): [
        post(
            "/v1/representations/search",
            lambda _, named: {"representative": person(named.representative, None)},
        ),
        post(
            "/v1/representations/search",
            lambda t, named: {
                "representative": person(named.representative, None),
                "third_party": t.owner.wire,
            },
        ),
    ],
}

_NEW_EACH_TIME = {"request_id", "checked_at", "receipt", "consistency_token", "to_be_signed", "digest"}
_NEW_HEADERS = {"x-request-id", "traceparent", "etag"}


def told(response: httpx.Response, named: Named) -> tuple[Any, ...]:
    """All that the answer tells, but for the ids that were asked for and what is new each time."""
    text = re.sub("|".join(map(re.escape, vars(named).values())), "named", response.text)
    text = text.replace(response.headers["x-request-id"], "request")
    headers = [(name, value) for name, value in response.headers.items() if name not in _NEW_HEADERS]
    return response.status_code, headers, _shown(orjson.loads(text)) if text else text


def _shown(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, dict):
        return {
            name: type(member).__name__ if name in _NEW_EACH_TIME else _shown(member)
            for name, member in value.items()
        }
    return [_shown(item) for item in value] if isinstance(value, list) else value


def nobody() -> Named:
    return Named(str(uuid7()), str(uuid7()), str(uuid7()), MARIA, HERMAN, *(str(uuid7()) for _ in range(4)))


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
async def test_a_strangers_answer_is_that_of_an_unknown_id(tenants: Tenants, method: str, path: str) -> None:
    for ask in ENTRIES[method, path]:
        unknown = nobody()
        expected = told(await ask(tenants, unknown), unknown)
        assert told(await ask(tenants, tenants.foreign), tenants.foreign) == expected
        if "{" in path and not path.endswith(("preview", "{key}")):
            assert expected[0] in {403, 404}, expected


async def test_what_strangers_tried_changed_nothing(tenants: Tenants) -> None:
    owner, foreign = tenants.owner, tenants.foreign
    before = [
        (await owner.get(f"/v1/mandates/{foreign.mandate}/events")).json(),
        (await owner.get(f"/v1/templates/{foreign.template}/versions")).json(),
        await request_of(owner, foreign),
    ]
    for asks in ENTRIES.values():
        for ask in asks:
            await ask(tenants, foreign)
    assert [
        (await owner.get(f"/v1/mandates/{foreign.mandate}/events")).json(),
        (await owner.get(f"/v1/templates/{foreign.template}/versions")).json(),
        await request_of(owner, foreign),
    ] == before
    assert (before[2]["status"], len(before[2]["signatures"])) == ("pending", 1)
    assert [item["type"] for item in before[0]["items"]] == ["mandate.issued"]
    assert [(item["version"], item["status"]) for item in before[1]["items"]] == [(1, "draft")]


async def request_of(owner: Organisation, named: Named) -> Json:
    request: Json = (await owner.get(f"/v1/mandate-requests/{named.request}")).json()
    return request | {"consistency_token": None}


def test_there_is_an_entry_for_every_operation_and_no_other() -> None:
    assert set(ENTRIES) == set(OPERATIONS)
    assert [path for path in PUBLIC if "{" in path and not path.startswith("/log/tile/")] == []


async def test_the_comparison_would_notice(tenants: Tenants) -> None:
    """To the owner, the same two questions are answered differently."""
    as_owner = Tenants(tenants.world, tenants.owner, tenants.owner, tenants.own_template, tenants.foreign)
    for method, path in OPERATIONS:
        if method == "GET" and "{" in path:
            ask, unknown = ENTRIES[method, path][0], nobody()
            seen = await ask(as_owner, tenants.foreign)
            assert seen.status_code == 200
            assert (await ask(as_owner, unknown)).status_code == 404


async def test_an_own_draft_is_no_ones_template_to_a_stranger_who_issues(tenants: Tenants) -> None:
    response = await tenants.stranger.post(
        "/v1/mandates/preview", mandate_body(tenants.own_template | {"id": tenants.foreign.template})
    )
    assert response.status_code == 422
    assert [fault["code"] for fault in response.json()["errors"]] == ["unknown_template"]
