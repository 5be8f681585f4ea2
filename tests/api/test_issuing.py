"""Issuing what is right: what is recorded, what a preview shows, and what is in force already."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest
from uuid_utils.compat import uuid7

from acting import canonical, count_rows, decision, problem, sha256_text, verified
from factories import (
    BERI,
    EID,
    HERMAN,
    MARIA,
    PAUL,
    Json,
    Organisation,
    World,
    mandate_body,
    person,
)
from registry.domain.documents import utc_text, utc_time
from registry.signing.encodings import decode_base64url
from registry.signing.encryption import decrypt
from registry.storage.mandate_records import evidence_place
from registry.storage.secrets import get_secret

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


def period(start: datetime, days: int) -> Json:
    return {"valid_from": utc_text(start), "valid_until": utc_text(start + days * DAY)}


async def test_a_preview_fills_in_every_default_and_gives_the_bytes_to_sign(
    world: World, municipality: Organisation
) -> None:
    template = await world.publish_template(municipality)
    previewed = (await municipality.post("/v1/mandates/preview", mandate_body(template))).json()
    content = previewed["content"]
    data = decode_base64url(previewed["to_be_signed"])
    signed = orjson.loads(data)
    assert data == canonical(signed)
    assert previewed["digest"] == sha256_text(data)
    assert previewed["capacity"] == "principal"
    text = {
        "language": "sv",
        "title": "Restaurangombud",
        "description": "Ombud som får hjälpa till med ansökningar.",
        "permissions": [
            {"code": "apply", "title": "Ansöka", "description": None},
            {"code": "follow", "title": "Följa ärendet", "description": None},
        ],
    }
    assert signed == content | {
        "schema": "mandate-content/1",
        "template": {
            "id": template["id"],
            "version": 1,
            "text_digest": sha256_text(canonical(text)),
        },
        "kind": "representation",
        "third_party": municipality.wire,
        "principal": person(BERI, "Beri Ylles"),
        "principal_role": "person",
        "principal_details": None,
        "representatives": [person(PAUL, "Paul Ingemar Vall")],
        "permissions": ["apply"],
        "permission_details": {},
        "specifier": {},
        "language": "sv",
        "basis": "voluntary",
        "parent": None,
        "supersedes": None,
        "external_ref": None,
    }
    assert utc_time(content["valid_until"]) - utc_time(content["valid_from"]) == 365 * DAY


async def test_a_preview_writes_nothing_and_is_what_issue_accepts(
    world: World, municipality: Organisation
) -> None:
    template = await world.publish_template(municipality, specifiers=["property"])
    body = mandate_body(
        template, permissions=["follow", "apply"], specifier={"property": "1:3"}, external_ref="case 2026-114"
    )
    before = await count_rows(world)
    previewed = (await municipality.post("/v1/mandates/preview", body)).json()
    signed = await world.sign(
        municipality, body | period(utc_time(previewed["content"]["valid_from"]), 365), BERI
    )
    assert (await municipality.post("/v1/mandates/preview", signed)).status_code == 200
    assert await count_rows(world) == before
    issued = await municipality.post("/v1/mandates", signed)
    assert issued.status_code == 201
    mandate = issued.json()
    assert {name: mandate[name] for name in previewed["content"]} == previewed["content"]
    assert mandate["content_digest"] == previewed["digest"]
    assert mandate["permissions"] == ["apply", "follow"]
    assert issued.headers["Location"] == f"/v1/mandates/{mandate['id']}"
    after = await count_rows(world)
    assert {name: after[name] - before[name] for name in after} == {
        "mandate_records": 1,
        "mandate_evidence": 1,
        "mandate_events": 0,
        "mandate_endings": 0,
        "mandate_states": 1,
        "representations": 1,
        "idempotency_keys": 1,
    }


async def test_the_sealed_record_proves_itself(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality)
    body = await world.sign(municipality, mandate_body(template), BERI)
    mandate = (await municipality.post("/v1/mandates", body)).json()
    sealed = await municipality.get(f"/v1/mandates/{mandate['id']}/record")
    assert sealed.headers["content-type"] == "application/jose"
    record = await verified(world, sealed.text, "mandate-record+jwt")
    assert mandate["record_digest"] == sha256_text(sealed.content)
    assert record["content_digest"] == mandate["content_digest"] == sha256_text(canonical(record["content"]))
    assert record["registered_by"] == f"urn:registry:client:{municipality.client_id}"
    assert record["id"] == mandate["id"]
    evidence = body["signatures"][0]["evidence"]["data"]
    assert record["signatures"] == [
        {
            "signer": person(BERI, None),
            "capacity": "principal",
            "method": "jws",
            "signed_at": record["signatures"][0]["signed_at"],
            "evidence": {"format": "jws", "digest": sha256_text(evidence.encode())},
            "registrar": None,
            "issuer": EID,
        }
    ]
    shown = (await municipality.get(f"/v1/mandates/{mandate['id']}")).json()
    assert {name: shown[name] for name in record["content"]} == {
        name: mandate[name] for name in record["content"]
    }


async def test_the_evidence_is_kept_exactly_as_received_and_encrypted(
    world: World, municipality: Organisation
) -> None:
    template = await world.publish_template(municipality)
    body = await world.sign(municipality, mandate_body(template), BERI)
    mandate = (await municipality.post("/v1/mandates", body)).json()
    rows = await world.database.fetch_hot(
        "SELECT mandate_id, ciphertext FROM mandate_evidence WHERE mandate_id = $1", mandate["id"]
    )
    async with world.database.reading() as session:
        secret = await get_secret(session, world.keys, rows[0]["mandate_id"])
    assert secret is not None
    evidence = body["signatures"][0]["evidence"]["data"].encode()
    assert evidence not in rows[0]["ciphertext"]
    place = evidence_place(rows[0]["mandate_id"], 0)
    assert decrypt(secret.data_key, rows[0]["ciphertext"], place) == evidence


async def test_details_and_specifiers_are_recorded(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(
        municipality,
        permissions=[
            {"code": "collect", "type": "collect", "title": {"sv": "Hämta"}, "details": ["source"]},
            {"code": "follow", "type": "read", "title": {"sv": "Följa"}},
        ],
        details={"case_type": ["permit", "appeal"], "remark": []},
        specifiers=["property", "customer"],
    )
    details = {
        "collect": {"source": "Skatteverket"},
        "*": {"case_type": "appeal", "remark": "ring först 📞"},
    }
    mandate = await world.issue(
        municipality,
        template,
        permissions=["collect"],
        permission_details=details,
        specifier={"property": "SUNDSVALL STENSTADEN 1:3"},
    )
    assert mandate["permission_details"] == details
    assert mandate["specifier"] == {"property": "SUNDSVALL STENSTADEN 1:3"}


async def test_a_template_may_allow_no_end(world: World, municipality: Organisation) -> None:
    validity = {"default_days": 365, "max_days": 1825, "open_ended": True}
    template = await world.publish_template(municipality, validity=validity)
    open_ended = await world.issue(municipality, template, valid_until=None)
    assert open_ended["valid_until"] is None
    assert open_ended["status"] == "active"
    with_end = await world.issue(municipality, template, representatives=[person(MARIA)])
    assert with_end["valid_until"] is not None, "an absent end is the default, null is none"


@pytest.mark.parametrize(("days", "hours"), [(1825, 0), (1825, 1)])
async def test_the_longest_period_and_an_hour_of_daylight_saving(
    world: World, municipality: Organisation, days: int, hours: int
) -> None:
    template = await world.publish_template(municipality)
    start = NOW.replace(microsecond=0)
    until = start + timedelta(days=days, hours=hours)
    times = {"valid_from": utc_text(start), "valid_until": utc_text(until)}
    assert (await world.issue(municipality, template, **times))["valid_until"] == times["valid_until"]


async def test_times_in_other_zones_are_the_same_times(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality)
    times = {"valid_from": "2026-11-21T00:00:00+01:00", "valid_until": "2028-11-20T22:59:59.5-01:00"}
    body = mandate_body(template, **times)
    content = (await municipality.post("/v1/mandates/preview", body)).json()["content"]
    assert content["valid_from"] == "2026-11-20T23:00:00Z"
    assert content["valid_until"] == "2028-11-20T23:59:59.500000Z"


async def test_a_consent_to_the_third_party_itself(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(
        municipality,
        kind="consent",
        permissions=[{"code": "income", "type": "receive", "title": {"sv": "Ta emot inkomstuppgifter"}}],
        representative_types=["organisation"],
    )
    mandate = await world.issue(municipality, template, representatives=[municipality.wire])
    assert mandate["kind"] == "consent"
    assert mandate["representatives"] == [municipality.wire]
    asked = {"representative": municipality.wire, "permissions": ["income"]}
    assert await decision(municipality, **asked) == "permit"
    assert await decision(municipality, **asked | {"representative": person(PAUL)}) == "deny: no_mandate"


class TestInForce:
    """Rule 12: the same parties, template, permissions and specifier in overlapping time."""

    async def attempt(
        self, world: World, owner: Organisation, template: Json, **changes: object
    ) -> tuple[str, str | None]:
        body = mandate_body(template, **changes)
        signed = await world.sign(owner, body, body["principal"]["value"])
        answer = await owner.post("/v1/mandates", signed)
        if answer.status_code == 201:
            return "201", None
        return problem(answer), answer.json().get("mandate_id")

    async def test_the_same_again_names_the_first(self, world: World, municipality: Organisation) -> None:
        template = await world.publish_template(municipality)
        both = [person(PAUL, "Paul"), person(MARIA, "Maria")]
        first = await world.issue(
            municipality, template, representatives=both, permissions=["follow", "apply"]
        )
        refused = ("409 already-in-force", first["id"])
        same = {"representatives": both[::-1], "permissions": ["apply", "follow"]}
        assert await self.attempt(world, municipality, template, **same) == refused
        assert await self.attempt(world, municipality, template, **same, external_ref="another") == refused

    async def test_what_differs_is_another_mandate(self, world: World, municipality: Organisation) -> None:
        template = await world.publish_template(municipality, specifiers=["property"])
        other = await world.publish_template(municipality)
        await world.issue(municipality, template)
        for changes in (
            {"permissions": ["apply", "follow"]},
            {"representatives": [person(MARIA)]},
            {"representatives": [person(PAUL), person(MARIA)]},
            {"principal": person(HERMAN)},
            {"principal_role": "organisation"},
            {"specifier": {"property": "1:3"}},
            {"specifier": {"property": "1:4"}},
        ):
            assert await self.attempt(world, municipality, template, **changes) == ("201", None), changes
        assert await self.attempt(world, municipality, other) == ("201", None)

    async def test_time_is_half_open(self, world: World, municipality: Organisation) -> None:
        template = await world.publish_template(municipality)
        start = NOW + 10 * DAY
        first = await world.issue(municipality, template, **period(start, 10))
        refused = ("409 already-in-force", first["id"])
        tick = timedelta(microseconds=1)
        assert await self.attempt(world, municipality, template, **period(start - 5 * DAY, 10)) == refused
        assert (
            await self.attempt(world, municipality, template, **period(start + 10 * DAY - tick, 5)) == refused
        )
        assert await self.attempt(world, municipality, template, **period(start - 5 * DAY, 5)) == (
            "201",
            None,
        )
        assert await self.attempt(world, municipality, template, **period(start + 10 * DAY, 5)) == (
            "201",
            None,
        )

    async def test_no_end_overlaps_everything_after(self, world: World, municipality: Organisation) -> None:
        validity = {"default_days": 10, "max_days": 20, "open_ended": True}
        template = await world.publish_template(municipality, validity=validity)
        first = await world.issue(municipality, template, **period(NOW + DAY, 5) | {"valid_until": None})
        far = period(NOW + 3000 * DAY, 5)
        assert (await self.attempt(world, municipality, template, **far))[1] == first["id"]

    async def test_suspended_is_still_in_force_revoked_is_not(
        self, world: World, municipality: Organisation
    ) -> None:
        template = await world.publish_template(municipality)
        first = await world.issue(municipality, template)
        address = f"/v1/mandates/{first['id']}"
        assert (await municipality.post(f"{address}/suspension", {"reason": "audit"})).status_code == 201
        assert (await self.attempt(world, municipality, template))[1] == first["id"]
        body = {"by": "third_party", "reason": "wrong person"}
        assert (await municipality.post(f"{address}/revocation", body)).status_code == 201
        assert await self.attempt(world, municipality, template) == ("201", None)


class TestSuperseding:
    async def test_the_new_one_ends_the_old_in_the_same_act(
        self, world: World, municipality: Organisation
    ) -> None:
        template = await world.publish_template(municipality)
        old = await world.issue(municipality, template)
        new = await world.issue(municipality, template, supersedes=old["id"])
        assert (new["status"], new["supersedes"]) == ("active", old["id"])
        shown = (await municipality.get(f"/v1/mandates/{old['id']}")).json()
        assert shown["status"] == "revoked"
        events = (await municipality.get(f"/v1/mandates/{old['id']}/events")).json()["items"]
        assert [event["type"] for event in events] == ["mandate.issued", "mandate.superseded"]
        sealed = await verified(world, events[1]["sealed"], "mandate-event+jwt")
        assert sealed["reason"] == "superseded"
        assert sealed["details"] == {"superseded_by": new["id"]}
        assert sealed["by"]["party"] == person(BERI, None)

    async def test_it_may_be_narrower_and_for_somebody_else(
        self, world: World, municipality: Organisation
    ) -> None:
        template = await world.publish_template(municipality)
        other = await world.publish_template(municipality)
        old = await world.issue(municipality, template, permissions=["apply", "follow"])
        changes = {"representatives": [person(MARIA)], "permissions": ["follow"], "supersedes": old["id"]}
        assert (await world.issue(municipality, other, **changes))["status"] == "active"

    async def test_only_a_mandate_of_the_same_principal_here(
        self, world: World, municipality: Organisation
    ) -> None:
        template = await world.publish_template(municipality)
        elsewhere = await world.organisation()
        theirs = await world.issue(elsewhere, await world.publish_template(elsewhere))
        hermans = await world.issue(municipality, template, principal=person(HERMAN))
        before = await count_rows(world)
        for mandate_id in (theirs["id"], hermans["id"], str(uuid7())):
            body = await world.sign(municipality, mandate_body(template, supersedes=mandate_id), BERI)
            answer = await municipality.post("/v1/mandates", body)
            assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "unknown_mandate")
            assert answer.json()["errors"][0]["pointer"] == "/supersedes"
        assert await count_rows(world) == before

    async def test_a_conflict_with_another_undoes_it(self, world: World, municipality: Organisation) -> None:
        template = await world.publish_template(municipality)
        old = await world.issue(municipality, template, permissions=["follow"])
        other = await world.issue(municipality, template, permissions=["apply"])
        before = await count_rows(world)
        body = mandate_body(template, permissions=["apply"], supersedes=old["id"])
        answer = await municipality.post("/v1/mandates", await world.sign(municipality, body, BERI))
        assert (problem(answer), answer.json()["mandate_id"]) == ("409 already-in-force", other["id"])
        assert await count_rows(world) == before
        assert await decision(municipality, permissions=["follow"]) == "permit"

    async def test_what_is_over_cannot_be_superseded(self, world: World, municipality: Organisation) -> None:
        template = await world.publish_template(municipality)
        old = await world.issue(municipality, template)
        await municipality.post(
            f"/v1/mandates/{old['id']}/revocation", {"by": "third_party", "reason": "wrong person"}
        )
        body = await world.sign(municipality, mandate_body(template, supersedes=old["id"]), BERI)
        assert problem(await municipality.post("/v1/mandates", body)) == "409 mandate-over"
