"""What stands in the way of issuing is told by the preview, to those who may know; nothing is written."""

import pytest

from acting import count_rows
from delegating import grant_on, sub_body
from factories import BERI, HERMAN, MARIA, PAUL, Json, Organisation, World, mandate_body, person


async def conflicts(client: Organisation, body: Json) -> list[tuple[str, str, str | None]]:
    answer = await client.post("/v1/mandates/preview", body)
    assert answer.status_code == 200, answer.text
    return [(item["code"], item["pointer"], item["mandate_id"]) for item in answer.json()["conflicts"]]


@pytest.fixture
async def template(world: World, municipality: Organisation) -> Json:
    return await world.publish_template(municipality)


async def test_what_is_in_force_already(world: World, municipality: Organisation, template: Json) -> None:
    body = mandate_body(template)
    assert await conflicts(municipality, body) == []
    mandate = await world.issue(municipality, template)
    before = await count_rows(world)
    assert await conflicts(municipality, body) == [("already_in_force", "", mandate["id"])]
    assert await conflicts(municipality, body | {"supersedes": mandate["id"]}) == []
    assert await conflicts(municipality, body | {"permissions": ["follow"]}) == []
    assert await conflicts(municipality, body | {"principal": person(HERMAN)}) == []
    assert await count_rows(world) == before


async def test_content_that_made_a_mandate_before(
    world: World, municipality: Organisation, template: Json
) -> None:
    times = {"valid_from": "2026-11-22T00:00:00Z", "valid_until": "2027-11-22T00:00:00Z"}
    mandate = await world.issue(municipality, template, **times)
    ended = {"by": "third_party", "reason": "asked to"}
    await municipality.post(f"/v1/mandates/{mandate['id']}/revocation", ended)
    again = mandate_body(template, **times)
    assert await conflicts(municipality, again) == [("already_issued", "", mandate["id"])]
    assert await conflicts(municipality, again | {"external_ref": "anew"}) == []


async def test_whether_the_old_one_can_be_superseded(
    world: World, municipality: Organisation, template: Json
) -> None:
    kept = await world.issue(
        municipality, await world.publish_template(municipality, may_revoke=["third_party"])
    )
    over = await world.issue(municipality, template, permissions=["follow"])
    ended = {"by": "third_party", "reason": "asked to"}
    await municipality.post(f"/v1/mandates/{over['id']}/revocation", ended)
    of_another = await world.issue(municipality, template, principal=person(HERMAN))
    as_business = await world.issue(municipality, template, principal_role="organisation")
    other = await world.organisation(name="Karlskrona kommun")
    elsewhere = await world.issue(other, await world.publish_template(other))
    unheard_of = "0198c0de-0000-7000-8000-000000000000"
    for supersedes, code in (
        (kept["id"], "may_not_revoke"),
        (over["id"], "mandate_over"),
        (of_another["id"], "unknown_mandate"),
        (as_business["id"], "unknown_mandate"),
        (elsewhere["id"], "unknown_mandate"),
        (unheard_of, "unknown_mandate"),
    ):
        found = await conflicts(municipality, mandate_body(template, supersedes=supersedes))
        assert found == [(code, "/supersedes", None)]
        asked = await municipality.post("/v1/mandate-requests", mandate_body(template, supersedes=supersedes))
        assert [item["code"] for item in asked.json()["errors"]] == [code]


async def test_a_department_is_not_told_of_anothers(world: World, municipality: Organisation) -> None:
    """The template moved: what stands on its earlier version is another department's."""
    template = await world.publish_template(municipality, department="Skola")
    await world.issue(municipality, template)
    moved = await municipality.post(
        f"/v1/templates/{template['id']}/versions",
        {name: template[name] for name in ("third_party", "kind", "services", "title", "description")}
        | {"permissions": template["permissions"], "validity": template["validity"], "department": "Miljö"},
    )
    assert moved.status_code == 201, moved.text
    await municipality.post(f"/v1/templates/{template['id']}/versions/2/publication")
    limited = await world.organisation(municipality.party, departments=frozenset({"Miljö"}))
    body = mandate_body(template | {"version": 2})
    assert await conflicts(limited, body) == [("already_in_force", "", None)]


async def test_among_sub_mandates(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality, delegation={"max_depth": 1})
    parent = await world.issue(municipality, template)
    leaf = await grant_on(world, municipality, parent, MARIA)
    assert await conflicts(municipality, sub_body(parent, MARIA)) == [("already_in_force", "", leaf["id"])]
    assert await conflicts(municipality, sub_body(parent, HERMAN, supersedes=leaf["id"])) == []
    assert await conflicts(municipality, sub_body(parent, HERMAN, supersedes=parent["id"])) == [
        ("other_parent", "/supersedes", None)
    ]
    assert parent["principal"]["value"] == BERI
    assert parent["representatives"][0]["value"] == PAUL
