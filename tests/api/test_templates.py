"""Templates: draft, edit, publish, version, retire; what is frozen, who sees what, conditional reading."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select
from uuid_utils.compat import uuid7

from factories import Organisation, World, jws_payload, mandate_body, question, template_body
from problem_documents import assert_problem
from registry.domain.callers import Scope
from registry.signing.jose import verify_compact
from registry.storage.database import Database
from registry.storage.tables import template_publications, template_retirements

Json = dict[str, Any]

ADDRESSES = [
    ("GET", "/v1/templates"),
    ("POST", "/v1/templates"),
    ("GET", "/v1/templates/{id}"),
    ("GET", "/v1/templates/{id}/versions"),
    ("POST", "/v1/templates/{id}/versions"),
    ("GET", "/v1/templates/{id}/versions/1"),
    ("PUT", "/v1/templates/{id}/versions/1"),
    ("POST", "/v1/templates/{id}/versions/1/publication"),
    ("POST", "/v1/templates/{id}/retirement"),
]


async def draft(owner: Organisation, **changes: Any) -> Json:  # noqa: ANN401
    created = await owner.post("/v1/templates", template_body(owner, **changes))
    assert created.status_code == 201, created.text
    template: Json = created.json()
    return template


@pytest.mark.parametrize(("method", "address"), ADDRESSES)
async def test_no_template_without_a_token(world: World, method: str, address: str) -> None:
    response = await world.anonymous.request(method, address.replace("{id}", str(uuid7())))
    assert_problem(response, 401, "unauthenticated")
    assert response.headers["www-authenticate"] == 'Bearer realm="registry"'


async def test_a_created_template_is_a_draft_with_every_default(municipality: Organisation) -> None:
    response = await municipality.post(
        "/v1/templates",
        {
            "third_party": municipality.wire,
            "kind": "consent",
            "title": {"da": "Samtykke til indhentning"},
            "permissions": [{"code": "collect", "type": "collect", "title": {"da": "Indhente"}}],
        },
    )
    template = response.json()
    assert response.status_code == 201
    assert response.headers["location"] == f"/v1/templates/{template['id']}/versions/1"
    assert (template["version"], template["status"]) == (1, "draft")
    assert template["published_at"] is template["replaced_at"] is None
    assert template["third_party"] == municipality.wire
    assert template["principal_types"] == template["representative_types"] == ["person", "organisation"]
    assert template["validity"] == {"default_days": 365, "max_days": 1825, "open_ended": False}
    assert template["signing"] == {
        "by": "principal",
        "methods": ["jws", "registered"],
        "request_lifetime_days": 180,
    }
    assert template["exercise"] == {"together": 1, "approval": False, "max_uses": None}
    assert template["may_revoke"] == ["principal", "representative", "third_party", "registrar"]
    assert template["permissions"][0]["preselected"] is False
    assert template["retention_days"] == 3650
    assert (await municipality.http.get(response.headers["location"])).json() == template


async def test_every_member_of_a_template_comes_back_as_it_was_sent(municipality: Organisation) -> None:
    sent = template_body(
        municipality,
        title={
            "sv": "Företagsombud",
            "en": "Company representative",
            "se": "Fitnodatáirras",
            "zh-Hant": "代表",
        },
        permissions=[
            {
                "code": "ceb9028a-ffce-4b9a-adca-165972fec48a",
                "type": "fill_in",
                "title": {"sv": "Fylla i"},
                "description": {"sv": "Rad ett\nRad två"},
                "preselected": True,
                "details": ["other_source"],
            }
        ],
        principal_types=["organisation"],
        representative_types=["person"],
        validity={"default_days": 730, "max_days": 9131, "open_ended": True},
        signing={"by": "signatories", "methods": ["jws"], "request_lifetime_days": 184},
        delegation={"max_depth": 2},
        exercise={"together": 2, "approval": True, "max_uses": 5},
        age_limits={"principal_below": 18, "representative_from": 21},
        may_revoke=["third_party"],
        notify={"issued": ["principal"], "used": [], "ended": ["representative"]},
        expiry_warning_days=[30, 7],
        specifiers=["property"],
        details={"reason": ["illness", "absence"]},
        retention_days=0,
        external_code="MO-17",
    )
    created = (await municipality.post("/v1/templates", sent)).json()
    assert {name: created[name] for name in sent} == sent


async def test_a_draft_can_be_edited_as_a_whole(municipality: Organisation) -> None:
    template = await draft(municipality)
    body = template_body(municipality, title={"nb": "Ny tittel"}, department=None, services=[])
    edited = await municipality.http.put(f"/v1/templates/{template['id']}/versions/1", json=body)
    assert edited.status_code == 200
    assert edited.json()["title"] == {"nb": "Ny tittel"}
    assert edited.json()["department"] is None
    assert edited.json()["updated_at"] > template["updated_at"]
    assert (await municipality.get(f"/v1/templates/{template['id']}")).json() == edited.json()


async def test_publishing_freezes_and_seals(
    world: World, database: Database, municipality: Organisation
) -> None:
    template = await draft(municipality)
    address = f"/v1/templates/{template['id']}/versions/1"
    published = await municipality.post(f"{address}/publication")
    assert published.status_code == 200
    assert published.json()["status"] == "published"
    assert published.json()["published_at"] == published.json()["updated_at"]

    refused = await municipality.http.put(address, json=template_body(municipality, department="Annan"))
    assert_problem(refused, 409, "not-a-draft")
    again = await municipality.post(f"{address}/publication")
    assert (again.status_code, again.json()) == (200, published.json())
    assert (await municipality.get(address)).json() == published.json()

    async with database.reading() as session:
        rows = await session.execute(
            select(template_publications.c.sealed).where(
                template_publications.c.template_id == template["id"]
            )
        )
        (sealed,) = rows.scalars()
    verify_compact(sealed.decode(), world.keys.verification_keys(), typ="template-record+jwt")
    record = jws_payload(sealed.decode())
    assert (record["template_id"], record["version"]) == (template["id"], 1)
    assert record["content"]["title"] == template["title"]
    assert record["published_by"] == f"urn:registry:client:{municipality.client_id}"


async def test_a_new_version_takes_over_when_it_is_published(
    world: World, municipality: Organisation
) -> None:
    first = await world.publish_template(municipality)
    second = template_body(municipality, title={"sv": "Andra utgåvan"})
    added = await municipality.post(f"/v1/templates/{first['id']}/versions", second)
    assert added.status_code == 201
    assert added.headers["location"] == f"/v1/templates/{first['id']}/versions/2"
    assert (added.json()["version"], added.json()["status"]) == (2, "draft")
    assert (await municipality.get(f"/v1/templates/{first['id']}")).json()["version"] == 1

    await municipality.post(f"/v1/templates/{first['id']}/versions/2/publication")
    current = (await municipality.get(f"/v1/templates/{first['id']}")).json()
    assert (current["version"], current["title"]) == (2, {"sv": "Andra utgåvan"})
    versions = (await municipality.get(f"/v1/templates/{first['id']}/versions")).json()["items"]
    assert [(item["version"], item["status"]) for item in versions] == [(1, "published"), (2, "published")]
    assert versions[0]["replaced_at"] == current["published_at"]
    assert {name: versions[0][name] for name in ("title", "permissions", "published_at")} == {
        name: first[name] for name in ("title", "permissions", "published_at")
    }


async def test_what_is_published_is_what_was_sealed_whoever_edits_meanwhile(
    database: Database, municipality: Organisation
) -> None:
    template = await draft(municipality)
    address = f"/v1/templates/{template['id']}/versions/1"

    async def edit(number: int) -> tuple[int, str]:
        body = template_body(municipality, title={"sv": f"Utgåva {number}"})
        return (await municipality.http.put(address, json=body)).status_code, f"Utgåva {number}"

    edits = [edit(number) for number in range(6)]
    publications = [municipality.post(f"{address}/publication") for _ in range(3)]
    edited, published = await asyncio.gather(asyncio.gather(*edits), asyncio.gather(*publications))
    first = published[0].json()
    assert [response.json() for response in published] == [first] * 3
    taken = [title for status, title in edited if status == 200] + [template["title"]["sv"]]
    assert {status for status, _ in edited} <= {200, 409}
    assert first["title"]["sv"] in taken
    async with database.reading() as session:
        rows = await session.execute(
            select(template_publications.c.sealed).where(
                template_publications.c.template_id == template["id"]
            )
        )
        (sealed,) = rows.scalars()
    assert jws_payload(sealed.decode())["content"]["title"] == first["title"]


async def test_an_older_draft_is_not_published_over_a_newer_version(
    world: World, municipality: Organisation
) -> None:
    template = await world.publish_template(municipality)
    for _ in range(2):
        await municipality.post(f"/v1/templates/{template['id']}/versions", template_body(municipality))
    assert (await municipality.post(f"/v1/templates/{template['id']}/versions/3/publication")).is_success
    late = await municipality.post(f"/v1/templates/{template['id']}/versions/2/publication")
    assert "new draft" in assert_problem(late, 409, "not-a-draft")["detail"]


async def test_retirement_stops_new_mandates_and_leaves_old_ones(
    world: World, municipality: Organisation
) -> None:
    template = await world.publish_template(municipality)
    await municipality.post(f"/v1/templates/{template['id']}/versions", template_body(municipality))
    mandate = await world.issue(municipality, template)
    retired = await municipality.post(f"/v1/templates/{template['id']}/retirement")
    assert (retired.status_code, retired.json()["status"]) == (200, "retired")
    again = await municipality.post(f"/v1/templates/{template['id']}/retirement")
    assert (again.status_code, again.json()) == (200, retired.json())

    preview = await municipality.post("/v1/mandates/preview", mandate_body(template))
    assert preview.status_code == 422
    assert "/template/id" in {fault["pointer"] for fault in preview.json()["errors"]}
    assert (await municipality.get(f"/v1/mandates/{mandate['id']}")).json()["status"] == "active"
    answer = await municipality.post("/v1/verifications", question(municipality))
    assert answer.json()["decision"] == "permit"

    address = f"/v1/templates/{template['id']}"
    assert_problem(
        await municipality.post(f"{address}/versions", template_body(municipality)), 409, "template-retired"
    )
    assert_problem(await municipality.post(f"{address}/versions/2/publication"), 409, "template-retired")
    assert_problem(await municipality.post(f"{address}/versions/1/publication"), 409, "not-a-draft")


async def test_a_draft_alone_cannot_be_retired(database: Database, municipality: Organisation) -> None:
    template = await draft(municipality)
    response = await municipality.post(f"/v1/templates/{template['id']}/retirement")
    assert_problem(response, 404, "not-found")
    async with database.reading() as session:
        rows = await session.execute(
            select(template_retirements).where(template_retirements.c.template_id == template["id"])
        )
        assert rows.all() == []


async def test_drafts_show_to_their_owner_alone(world: World, municipality: Organisation) -> None:
    stranger = await world.organisation(name="Karlskrona kommun")
    template = await world.publish_template(municipality)
    await municipality.post(f"/v1/templates/{template['id']}/versions", template_body(municipality))
    address = f"/v1/templates/{template['id']}"
    assert len((await municipality.get(f"{address}/versions")).json()["items"]) == 2
    seen = (await stranger.get(f"{address}/versions")).json()["items"]
    assert [item["version"] for item in seen] == [1]
    assert (await municipality.get(f"{address}/versions/2")).is_success
    assert_problem(await stranger.get(f"{address}/versions/2"), 404, "not-found")
    assert (await stranger.get(address)).json() == (await municipality.get(address)).json()


async def test_another_organisations_template_cannot_be_written(
    world: World, municipality: Organisation
) -> None:
    stranger = await world.organisation(name="Karlskrona kommun")
    template = await world.publish_template(municipality)
    address = f"/v1/templates/{template['id']}"
    before = (await municipality.get(f"{address}/versions")).json()
    for response in (
        await stranger.http.put(f"{address}/versions/1", json=template_body(stranger)),
        await stranger.post(f"{address}/versions", template_body(stranger)),
        await stranger.post(f"{address}/versions/1/publication"),
        await stranger.post(f"{address}/retirement"),
    ):
        assert_problem(response, 404, "not-found")
    claimed = await stranger.post("/v1/templates", template_body(municipality))
    assert_problem(claimed, 403, "forbidden")
    assert (await municipality.get(f"{address}/versions")).json() == before


async def test_reading_a_template_is_conditional(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality)
    reader = await world.organisation(scopes=frozenset({Scope.TEMPLATES_READ}))
    for address in (f"/v1/templates/{template['id']}", f"/v1/templates/{template['id']}/versions/1"):
        first = await reader.http.get(address)
        tag = first.headers["etag"]
        assert first.headers["cache-control"] == "private, no-cache"
        for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            unchanged = await reader.http.get(address, headers={"If-None-Match": known})
            assert (unchanged.status_code, unchanged.content) == (304, b""), known
            assert unchanged.headers["etag"] == tag
        two = [("If-None-Match", '"other"'), ("If-None-Match", tag)]
        assert (await reader.http.get(address, headers=two)).status_code == 304
        for known in ('"other"', tag.strip('"'), f'"{tag}"'):
            assert (await reader.http.get(address, headers={"If-None-Match": known})).json() == first.json()

    address = f"/v1/templates/{template['id']}"
    tag = (await reader.http.get(address)).headers["etag"]
    await municipality.post(f"{address}/retirement")
    changed = await reader.http.get(address, headers={"If-None-Match": tag})
    assert (changed.status_code, changed.json()["status"]) == (200, "retired")


async def test_a_persons_template_is_refused(municipality: Organisation) -> None:
    body = template_body(municipality, third_party={"scheme": "se-pnr", "value": "198602262381"})
    assert_problem(await municipality.post("/v1/templates", body), 403, "forbidden")


async def test_an_unknown_version_or_template_is_not_found(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality)
    for address in (
        f"{template['id']}/versions/2",
        f"{uuid7()}",
        f"{uuid7()}/versions",
        f"{uuid4()}/versions/1",
    ):
        assert_problem(await municipality.get(f"/v1/templates/{address}"), 404, "not-found")
