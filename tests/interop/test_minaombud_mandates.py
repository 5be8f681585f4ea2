"""Whole mandates and lists of them, as Mina ombud's clients read them."""

from typing import Any

import pytest

from api.test_granting_roles import COMPANY, company_body
from delegating import grant_on
from factories import BERI, HERMAN, MARIA, PAUL, Json, person
from minaombud_client import RefusedError
from minaombud_platform import Platform
from registry.interop.minaombud.answers import FullmakterSvar, FullmaktSvar


def shown(number: str, name: str) -> Json:
    return {"id": number, "typ": "pnr", "namn": name}


async def end(platform: Platform, mandate: Json, **body: Any) -> None:  # noqa: ANN401  # members of the act
    client = platform.organisation
    headers = {}
    if body["by"] in {"principal", "representative"}:
        number = BERI if body["by"] == "principal" else PAUL
        headers = {"Id_Token": platform.world.id_token(number, client.client_id)}
    ended = await client.post(
        f"/v1/mandates/{mandate['id']}/revocation", {"reason": "Slut."} | body, **headers
    )
    assert ended.status_code == 201, ended.text


async def test_a_whole_mandate_of_a_company(platform: Platform) -> None:
    world, owner = platform.world, platform.organisation
    template = await world.publish_template(owner, delegation={"max_depth": 1})
    times = {"valid_from": "2026-10-24T22:00:00Z", "valid_until": "2031-03-27T23:00:00Z"}
    body = company_body(template) | times
    issued = await owner.post("/v1/mandates", await world.sign(owner, body, HERMAN, MARIA))
    assert issued.status_code == 201, issued.text
    mandate = issued.json()
    answer = await platform.machine.get_mandate(platform.number, mandate["id"])
    FullmaktSvar.model_validate(answer)
    fullmakt, metadata = answer["fullmakt"], answer["metadata"]
    company = {"id": COMPANY["value"], "typ": "orgnr", "namn": COMPANY["name"]}
    signers = [shown(HERMAN, HERMAN), shown(MARIA, MARIA)]
    assert fullmakt == {
        "id": mandate["id"],
        "ursprung": {"mall": template["id"]},
        "rubrik": "Restaurangombud",
        "beskrivning": "Ombud som får hjälpa till med ansökningar.",
        "skapare": signers[0],
        "tredjeman": {"id": platform.number, "namn": "Sundsvalls kommun"},
        "fullmaktsgivare": company,
        "fullmaktsgivarroll": "ORGANISATION",
        "fullmaktshavare": [shown(PAUL, "Paul Ingemar Vall")],
        "signatarer": [{"juridiskSignatar": {"juridiskPerson": company, "foretradare": signers}}],
        "behorigheter": [{"kod": "apply", "rubrik": "Ansöka"}],
        "giltigFrom": "2026-10-25",
        "giltigTom": "2031-03-27",
        "transportfullmakt": False,
        "vidaredelning": True,
    }
    assert (metadata["referensnummer"], metadata["status"]) == (mandate["id"], "GILTIG")
    assert [item["person"] for item in metadata["underskrifter"]] == signers
    assert "aterkallad" not in metadata
    below = await grant_on(world, owner, mandate, MARIA)
    answer = await platform.machine.get_mandate(platform.number, below["id"])
    assert answer["fullmakt"]["ursprung"] == {"mall": template["id"], "fullmakt": mandate["id"]}
    assert answer["fullmakt"]["signatarer"] == [{"fysiskPerson": shown(PAUL, PAUL)}]
    assert answer["fullmakt"]["vidaredelning"] is False


async def test_a_list_tells_what_stands_and_what_was_ended_by_whom(platform: Platform) -> None:
    world, owner = platform.world, platform.organisation
    template = await world.publish_template(owner)
    later = {"valid_from": "2030-06-01T00:00:00Z", "valid_until": "2030-09-01T00:00:00Z"}
    standing = await world.issue(owner, template)
    coming = await world.issue(owner, template, permissions=["apply", "follow"], **later)
    suspended = await world.issue(owner, template, permissions=["follow"])
    await owner.post(f"/v1/mandates/{suspended['id']}/suspension", {"reason": "Tillsyn."})
    revoked = {}
    registrar = {"employee": {"scheme": "username", "value": "anna.a"}, "statement": "Begärt i receptionen."}
    for by, holder in (
        ("principal", PAUL),
        ("representative", PAUL),
        ("third_party", MARIA),
        ("registrar", HERMAN),
    ):
        other = await world.publish_template(owner)
        mandate = await world.issue(owner, other, representatives=[person(holder, "Namn")])
        await end(platform, mandate, by=by, **({"registrar": registrar} if by == "registrar" else {}))
        revoked[by] = mandate["id"]
    asked = {"fullmaktsgivare": {"id": BERI, "typ": "pnr"}, "tredjeman": [platform.number]}

    async def listed(**filters: Any) -> dict[str, Json]:  # noqa: ANN401  # members of the search
        answer = await platform.machine.search_mandates(asked | filters)
        FullmakterSvar.model_validate(answer)
        assert answer["page"]["totalElements"] == len(answer["fullmakter"])
        return {item["id"]: item for item in answer["fullmakter"]}

    everything = await listed()
    assert list(everything) == [standing["id"], coming["id"], suspended["id"], *revoked.values()]
    assert [item["status"] for item in everything.values()] == [
        "GILTIG",
        "AKTUELL",
        "AKTUELL",
        *["HISTORISK"] * 4,
    ]
    assert list(await listed(status="GILTIG")) == [standing["id"]]
    assert list(await listed(status="AKTUELL")) == [standing["id"], coming["id"], suspended["id"]]
    assert list(await listed(status="HISTORISK")) == list(revoked.values())
    assert list(await listed(aterkallad=True)) == list(revoked.values())
    assert list(await listed(aterkallad=False, status="GILTIG")) == [standing["id"]]
    assert await listed(aterkallad=True, status="GILTIG") == {}
    assert await listed(fullmaktsgivarroll=["ORGANISATION"]) == {}
    assert list(await listed(fullmaktshavare={"id": MARIA, "typ": "pnr"})) == [revoked["third_party"]]
    ended = {by: everything[mandate_id]["aterkallad"] for by, mandate_id in revoked.items()}
    assert {by: (item["part"], item["person"]) for by, item in ended.items()} == {
        "principal": ("FULLMAKTSGIVARE", shown(BERI, "Beri Ylles")),
        "representative": ("FULLMAKTSHAVARE", shown(PAUL, "Namn")),
        "third_party": ("TREDJEMAN", {"id": platform.number, "typ": "orgnr", "namn": "Sundsvalls kommun"}),
        "registrar": ("TREDJEMAN", {"id": "anna.a", "typ": "username", "namn": "anna.a"}),
    }
    whole = await platform.machine.get_mandate(platform.number, revoked["registrar"])
    assert whole["metadata"]["aterkallad"] == ended["registrar"]
    answer = await platform.machine.search_mandates(asked | {"page": {"page": 2, "size": 3}})
    assert [item["id"] for item in answer["fullmakter"]] == [revoked["registrar"]]
    assert answer["page"] == {"size": 3, "number": 2, "totalElements": 7, "totalPages": 3}


async def test_consents_and_other_third_parties_mandates_are_not_found(platform: Platform) -> None:
    world, owner = platform.world, platform.organisation
    consent = await world.issue(owner, await world.publish_template(owner, kind="consent"))
    holder = {"fullmaktshavare": {"id": PAUL, "typ": "pnr"}, "tredjeman": [platform.number]}
    assert (await platform.machine.search_mandates(holder))["fullmakter"] == []
    stranger = await world.organisation()
    other = await world.issue(stranger, await world.publish_template(stranger))
    of_person = platform.id_token(PAUL)
    for mandate_id, third_party in (
        (consent["id"], platform.number),
        (other["id"], platform.number),
        ("0198f3a0-6f1e-7c3a-9d57-2b8f7a1c4e10", platform.number),
        ("no-id", platform.number),
    ):
        with pytest.raises(RefusedError) as refused:
            await platform.itself.get_mandate(third_party, mandate_id, of_person)
        assert (refused.value.status, refused.value.document["title"]) == (404, "Not found")
    seen = await platform.itself.get_mandate(stranger.party.value, other["id"], of_person)
    assert seen["fullmakt"]["id"] == other["id"], "a person sees its own, whoever the third party"


async def test_templates_are_listed_with_their_services(platform: Platform) -> None:
    world, owner = platform.world, platform.organisation
    template = await world.publish_template(owner, services=["oep-1", "oep-2"])
    await world.publish_template(owner, services=["oep-2"], description={})
    await world.publish_template(owner, kind="consent", services=["oep-1"])
    of_others = await world.publish_template(await world.organisation(), services=["oep-1"])
    address = f"/tredjeman/{platform.number}/mallar"
    answer = await platform.handler.get(address, tjanst="oep-1")
    assert answer == {
        "mallar": [
            {
                "id": template["id"],
                "version": 1,
                "rubrik": "Restaurangombud",
                "beskrivning": "Ombud som får hjälpa till med ansökningar.",
                "behorigheter": [
                    {"kod": "apply", "rubrik": "Ansöka"},
                    {"kod": "follow", "rubrik": "Följa ärendet"},
                ],
                "tjanster": ["oep-1", "oep-2"],
            }
        ],
        "page": {"size": 100, "number": 0, "totalElements": 1, "totalPages": 1},
    }
    assert (await platform.machine.get(f"{address}/{template['id']}"))["mall"] == answer["mallar"][0]
    second = await platform.machine.get(address, page="1", size="1")
    assert second["page"] == {"size": 1, "number": 1, "totalElements": 2, "totalPages": 2}
    assert (await owner.post(f"/v1/templates/{template['id']}/retirement")).status_code == 200
    for unknown in (template["id"], of_others["id"], "x"):
        with pytest.raises(RefusedError) as refused:
            await platform.machine.get(f"{address}/{unknown}")
        assert refused.value.status == 404
    for wrong in (
        *({"size": "0"}, {"size": "501"}, {"page": "-1"}, {"page": "1.5"}, {"page": "1000000"}),
        *({"tjanst": "a\0b"}, {"tjanst": ""}, {"tjanst": "\u00e5"}, {"tjanst": "x" * 101}),
    ):
        with pytest.raises(RefusedError) as refused:
            await platform.machine.get(address, **wrong)
        assert refused.value.status == 400
