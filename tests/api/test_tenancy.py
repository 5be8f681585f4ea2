"""Organisations apart: to a stranger, another's object answers exactly as one that does not exist.

Every operation of the contract has an entry here; one that is added without fails.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import orjson
import pytest
from uuid_utils.compat import uuid7

from contract_reading import contract
from factories import (
    BERI,
    HERMAN,
    MARIA,
    PAUL,
    Organisation,
    World,
    mandate_body,
    person,
    question,
    template_body,
)
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
    principal: str
    representative: str


@dataclass(frozen=True)
class Tenants:
    world: World
    owner: Organisation
    stranger: Organisation
    own_template: Json
    foreign: Named


@pytest.fixture(scope="module")
async def tenants(world: World) -> Tenants:
    """An owner with a draft and a mandate, and a stranger who has a template of its own."""
    owner = await world.organisation(name="Sundsvalls kommun")
    stranger = await world.organisation(name="Karlskrona kommun")
    mandate = await world.issue(owner, await world.publish_template(owner))
    draft = (await owner.post("/v1/templates", template_body(owner))).json()
    foreign = Named(draft["id"], mandate["id"], BERI, PAUL)
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


async def deliver(tenants: Tenants, named: Named) -> httpx.Response:
    """On a template that is named: deliveries themselves are found under one's own organisation only."""
    body = mandate_body(tenants.own_template | {"id": named.template})
    address = "/v1/statutory-deliveries/register/1"
    return await tenants.stranger.http.put(address, json={"mandates": [body]})


REASON = {"reason": "we were asked to"}
CLERK = {"scheme": "username", "value": "anna.andersson"}


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
    ("GET", "/v1/mandates/{mandate_id}/record"): [get("/v1/mandates/{mandate}/record")],
    ("GET", "/v1/mandates/{mandate_id}/events"): [get("/v1/mandates/{mandate}/events")],
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
    ],
    ("POST", "/v1/verifications/batch"): [
        post("/v1/verifications/batch", lambda t, named: {"questions": [asked(t, named)]})
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
    return Named(str(uuid7()), str(uuid7()), MARIA, HERMAN)


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
    ]
    for asks in ENTRIES.values():
        for ask in asks:
            await ask(tenants, foreign)
    assert [
        (await owner.get(f"/v1/mandates/{foreign.mandate}/events")).json(),
        (await owner.get(f"/v1/templates/{foreign.template}/versions")).json(),
    ] == before
    assert [item["type"] for item in before[0]["items"]] == ["mandate.issued"]
    assert [(item["version"], item["status"]) for item in before[1]["items"]] == [(1, "draft")]


def test_there_is_an_entry_for_every_operation_and_no_other() -> None:
    assert set(ENTRIES) == set(OPERATIONS)
    assert [path for path in PUBLIC if "{" in path] == []


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
