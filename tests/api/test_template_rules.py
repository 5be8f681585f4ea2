"""What a template may say: every fault of types or rules at once, each with its place; nothing written."""

from typing import Any

from sqlalchemy import select

from factories import Organisation, template_body
from problem_documents import assert_problem
from registry.storage.database import Database
from registry.storage.tables import template_versions


async def test_every_broken_rule_is_named_at_once(database: Database, municipality: Organisation) -> None:
    permission = {"code": "apply", "type": "sign", "title": {"sv": "Ansöka"}}
    body = template_body(
        municipality,
        title={"sv": "  ", "en": "Title"},
        services=["a", "a"],
        specifiers=["property", "property"],
        permissions=[permission, permission | {"title": {}}],
        principal_types=[],
        representative_types=[],
        validity={"default_days": 100, "max_days": 50},
        expiry_warning_days=[60],
        may_revoke=[],
        signing={"by": "principal", "methods": [], "request_lifetime_days": 365},
    )
    created = await municipality.post("/v1/templates", template_body(municipality))
    pointers = (
        "/title/sv",
        "/services",
        "/specifiers",
        "/permissions/1/code",
        "/permissions/1/title",
        "/principal_types",
        "/representative_types",
        "/validity/default_days",
        "/expiry_warning_days",
        "/may_revoke",
        "/signing/methods",
        "/signing/request_lifetime_days",
    )
    before = await _rows(database, municipality)
    address = f"/v1/templates/{created.json()['id']}/versions"
    for response in (
        await municipality.post("/v1/templates", body),
        await municipality.post(address, body),
        await municipality.http.put(f"{address}/1", json=body),
    ):
        assert_problem(response, 422, "invalid-input", *pointers)
    assert await _rows(database, municipality) == before


async def test_every_wrong_type_is_named_at_once(database: Database, municipality: Organisation) -> None:
    body = template_body(
        municipality,
        kind="mandate",
        title={"SV": "x", "sv": ""},
        services=["has space", 5],
        permissions=[{"code": "", "type": "write", "titel": {}}],
        validity={"default_days": "365", "max_days": 9132, "open_ended": "no"},
        exercise={"together": 0, "max_uses": 1.5},
        retention_days=-1,
        may_revoke=["anybody"],
    )
    response = await municipality.post("/v1/templates", body)
    assert_problem(
        response,
        422,
        "invalid-input",
        "/kind",
        "/title/SV",
        "/title/sv",
        "/services/0",
        "/services/1",
        "/permissions/0/code",
        "/permissions/0/type",
        "/permissions/0/title",
        "/permissions/0/titel",
        "/validity/default_days",
        "/validity/max_days",
        "/validity/open_ended",
        "/exercise/together",
        "/exercise/max_uses",
        "/retention_days",
        "/may_revoke/0",
    )
    assert await _rows(database, municipality) == []


async def _rows(database: Database, owner: Organisation) -> list[Any]:
    async with database.reading() as session:
        rows = await session.execute(
            select(template_versions).where(template_versions.c.third_party == str(owner.party))
        )
        return [tuple(row) for row in rows]
