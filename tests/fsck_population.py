"""A small registry with something of everything, made through the application, and its rows as they stand."""

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from asking import ROOT, ask_for, company_body, sign_as
from delegating import grant_on
from factories import (
    BERI,
    HERMAN,
    MARIA,
    PAUL,
    PETRONELLA,
    TEST_PERSSON,
    Organisation,
    World,
    mandate_body,
    person,
    question,
    template_body,
)
from log_filling import integrate
from registry.operations.lapse_requests import lapse_requests
from registry.storage.tables import metadata

Json = dict[str, Any]

START = datetime(2026, 11, 21, 9, tzinfo=UTC)
REGISTRAR = {
    "employee": {"scheme": "username", "value": "clerk-7"},
    "statement": "Called and was identified.",
}


async def populate(world: World) -> None:
    """Templates in every state, mandates with every kind of event, look-ups of every kind."""
    world.clock.fixed = START
    owner = await world.organisation()
    await _issue_and_act(world, owner, await _make_templates(world, owner))
    await _ask(world, owner)
    await _restrict(world, owner)
    await _deliver(world, owner)
    await _approve(world, owner)
    world.clock.advance(minutes=9)
    for path, body in (
        ("/v1/verifications", question(owner)),
        ("/v1/verifications/batch", {"questions": [question(owner), question(owner, permissions=["x"])]}),
        ("/v1/mandates/search", {"principal": person(BERI, None)}),
        ("/v1/representations/search", {"representative": person(PAUL, None)}),
    ):
        _done(await owner.post(path, body))
    while (await integrate(world, limit=20)).count:
        """In several parts, so that there are several checkpoints."""


async def _ask(world: World, owner: Organisation) -> None:
    """A request that waits, one signed once of twice, one issued, one declined, one cancelled, one lapsed."""
    template = await world.publish_template(owner)
    for ending in ("pending", "half", "signatures", "decline", "cancellation", "lapsed"):
        world.clock.advance(seconds=5)
        body = company_body(template) if ending == "half" else mandate_body(template, external_ref=ending)
        request = await ask_for(owner, body | ({"expires_in_days": 1} if ending == "lapsed" else {}))
        world.clock.advance(seconds=5)
        if ending in {"half", "signatures"}:
            signer = HERMAN if ending == "half" else BERI
            _done(await sign_as(world, owner, request, signer))
        elif ending in {"decline", "cancellation"}:
            token = {"Id_Token": world.id_token(BERI, owner.client_id)} if ending == "decline" else {}
            _done(await owner.post(f"{ROOT}/{request['id']}/{ending}", {}, **token))
    await lapse_requests(world.database, world.keys, now=world.clock() + timedelta(days=2))


async def _deliver(world: World, owner: Organisation) -> None:
    """Two deliveries: one that was replaced, whose second mandate ended with that, and an empty one."""
    template = await world.publish_template(owner, signing={"by": "authority"})
    common = mandate_body(template, valid_from="2026-11-21T00:00:00Z", valid_until="2027-11-21T00:00:00Z")
    items = [common | {"representatives": [person(number, "Test")]} for number in (PAUL, MARIA)]
    for mandates in (items, items[:1]):
        world.clock.advance(seconds=5)
        path = "/v1/statutory-deliveries/register/household-1"
        _done(await owner.http.put(path, json={"mandates": mandates}))
    _done(await owner.http.put("/v1/statutory-deliveries/register/household-2", json={"mandates": []}))


async def _approve(world: World, owner: Organisation) -> None:
    """A matter that waits, one approved and one declined."""
    for verdict in (None, "approved", "declined"):
        requested = await _request_approval(world, owner, PAUL)
        if verdict is not None:
            await _decide(world, owner, requested, PAUL, verdict)


async def _approved(world: World, owner: Organisation, by: str) -> Json:
    """What names a matter that this representative has approved."""
    requested = await _request_approval(world, owner, by)
    await _decide(world, owner, requested, by, "approved")
    return {"approval_id": requested["id"], "content_digest": requested["content_digest"]}


async def _request_approval(world: World, owner: Organisation, by: str) -> Json:
    matter = {
        "principal": person(BERI, "Beri Ylles"),
        "representative": person(by, "Paul Ingemar Vall"),
        "permission": "apply",
        "title": "Sundsvall 1:1, ansökan",
        "content_digest": "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU",
        "deadline": "2027-11-21T09:00:00Z",
    }
    world.clock.advance(seconds=5)
    requested = await owner.post("/v1/approvals", matter)
    _done(requested)
    document: Json = requested.json()
    return document


async def _decide(world: World, owner: Organisation, requested: Json, by: str, verdict: str) -> None:
    world.clock.advance(seconds=5)
    token = world.id_token(by, owner.client_id)
    address = f"/v1/approvals/{requested['id']}/decision"
    _done(await owner.post(address, {"decision": verdict}, Id_Token=token))


async def _restrict(world: World, owner: Organisation) -> None:
    """Restrictions of every scope; two are lifted."""
    common = {"subject": person(HERMAN, "Herman Ört"), "third_party": owner.wire, "reason": "as decided"}
    for number, body in enumerate(
        (
            {"scope": "all_representatives", "until": "2027-11-21T09:00:00Z"},
            {"scope": "representative", "representative": person(PAUL, "Paul Ingemar Vall")},
            {"scope": "service", "service": "oep-a", "from": "2026-01-01T00:00:00Z"},
            {"scope": "guardians"},
        )
    ):
        world.clock.advance(seconds=5)
        imposed = await owner.post("/v1/restrictions", common | body)
        _done(imposed)
        if number % 2 == 0:
            world.clock.advance(seconds=5)
            _done(await owner.post(f"/v1/restrictions/{imposed.json()['id']}/lifting", {"reason": "over"}))


async def _make_templates(world: World, owner: Organisation) -> tuple[Json, Json]:
    """One template in three versions and one with limits, to be used; one retired and one draft besides."""
    terms = {
        "specifiers": ["property"],
        "validity": {"open_ended": True},
        "delegation": {"max_depth": 2},
    }
    plain = await world.publish_template(owner, **terms)
    world.clock.advance(minutes=2)
    second = template_body(owner, title={"sv": "Nytt namn", "en": "New name"}, **terms)
    _done(await owner.post(f"/v1/templates/{plain['id']}/versions", second))
    _done(await owner.post(f"/v1/templates/{plain['id']}/versions/2/publication"))
    world.clock.advance(minutes=2)
    _done(await owner.post(f"/v1/templates/{plain['id']}/versions", second | {"department": None}))
    limited = await world.publish_template(
        owner,
        exercise={"together": 2, "approval": True, "max_uses": 2},
        age_limits={"principal_below": 120, "representative_from": 18},
        services=["oep-a", "oep-b"],
    )
    retired = await world.publish_template(owner, title={"fi": "Vanha", "da": "Gammel"})
    world.clock.advance(minutes=2)
    _done(await owner.post(f"/v1/templates/{retired['id']}/retirement"))
    _done(await owner.post("/v1/templates", template_body(owner, external_code="K-7")))
    current = (await owner.get(f"/v1/templates/{plain['id']}")).json()
    return current, limited


async def _issue_and_act(world: World, owner: Organisation, templates: tuple[Json, Json]) -> None:
    plain, limited = templates
    pair = [person(PAUL, "Paul Ingemar Vall"), person(TEST_PERSSON, "Test Persson")]
    await world.issue(owner, plain, specifier={"property": "Sundsvall 1:1"}, valid_until=None)
    await world.issue(owner, plain, HERMAN, MARIA, principal=_company(), principal_details=_details())
    await _issue_on_paper(world, owner, plain)
    suspended = await world.issue(owner, plain, principal=person(HERMAN, "Herman Ört"))
    await _act(world, owner, suspended, "suspension", {"reason": "looked into"})
    resumed = await world.issue(owner, plain, principal=person(MARIA, "Maria Johansson"))
    for act in ("suspension", "resumption", "suspension", "resumption"):
        await _act(world, owner, resumed, act, {"reason": "as decided"})
    revoked = await world.issue(owner, plain, specifier={"property": "Sundsvall 1:2"})
    await _act(world, owner, revoked, "uses", _use(PAUL))
    await _act(world, owner, revoked, "revocation", {"by": "third_party", "reason": "ended"})
    renounced = await world.issue(owner, plain, specifier={"property": "Sundsvall 1:3"})
    token = world.id_token(PAUL, owner.client_id)
    await _act(world, owner, renounced, "revocation", {"by": "representative"}, Id_Token=token)
    replaced = await world.issue(owner, plain, principal=person(PETRONELLA, "Petronella Malteskog"))
    world.clock.advance(minutes=1)
    await world.issue(
        owner, plain, principal=person(PETRONELLA, "Petronella Malteskog"), supersedes=replaced["id"]
    )
    await _grant_on(world, owner, plain)
    used_up = await world.issue(owner, limited, representatives=pair)
    for by in (PAUL, TEST_PERSSON):
        await _act(world, owner, used_up, "uses", _use(by) | await _approved(world, owner, by))
    by_registrar = await world.issue(owner, limited, principal=person(MARIA, "Maria"), representatives=pair)
    body = {"by": "registrar", "reason": "asked at the desk", "registrar": REGISTRAR}
    await _act(world, owner, by_registrar, "revocation", body)


async def _grant_on(world: World, owner: Organisation, template: Json) -> None:
    """A chain of three, of which the last two end together."""
    root = await world.issue(owner, template, specifier={"property": "Sundsvall 1:4"})
    middle = await grant_on(world, owner, root, MARIA)
    await grant_on(world, owner, middle, HERMAN)
    await grant_on(world, owner, root, PETRONELLA)
    await _act(world, owner, middle, "revocation", {"by": "third_party", "reason": "ended"})


async def _act(
    world: World, owner: Organisation, mandate: Json, act: str, body: Json, **headers: str
) -> None:
    world.clock.advance(seconds=7, microseconds=123)
    _done(await owner.post(f"/v1/mandates/{mandate['id']}/{act}", body, **headers))


async def _issue_on_paper(world: World, owner: Organisation, template: Json) -> None:
    signature = {
        "capacity": "principal",
        "method": "registered",
        "evidence": {"format": "statement", "data": "Seen on paper, signed before me."},
        "signer": person(PETRONELLA, "Petronella Malteskog"),
        "signed_at": world.clock().isoformat(),
        "registrar": REGISTRAR["employee"],
    }
    body = mandate_body(template, principal=person(PETRONELLA, "Petronella Malteskog"))
    body["permissions"] = [permission["code"] for permission in template["permissions"]]
    _done(await owner.post("/v1/mandates", body | {"signatures": [signature]}))


def _company() -> Json:
    return {"scheme": "se-orgnr", "value": "5561929323", "name": "TB Bokföringsbyrå AB"}


def _details() -> Json:
    any_of = [person(number, None) for number in (HERMAN, MARIA)]
    rule = {"text": "Två i förening", "alternatives": [{"any_of": any_of, "count": 2}]}
    return {"form": "aktiebolag", "signatory_rule": rule, "source": "Bolagsverket"}


def _use(by: str) -> Json:
    return {"permission": "apply", "case_ref": "MN-2026-17", "by": person(by, None)}


def _done(response: Any) -> None:  # noqa: ANN401  # httpx's response
    assert response.is_success, response.text


async def dump(connection: asyncpg.Connection, *tables: str) -> dict[str, list[str]]:
    """Every row of these tables, or of all, as text in the order of their keys."""
    names = tables or tuple(metadata.tables)
    return {
        name: [
            row["whole"]
            for row in await connection.fetch(f"SELECT t::text AS whole FROM {name} AS t ORDER BY 1")  # noqa: S608  # our own names
        ]
        for name in names
    }
