"""Paper originals: a registrar attests them, on record; a mandate may have begun before it was registered."""

from datetime import UTC, datetime, timedelta

import pytest

from acting import (
    RECORDS,
    canonical,
    count_rows,
    decision,
    faults,
    jws_signature,
    paper_signature,
    sha256_text,
    verified,
    without,
)
from factories import BERI, HERMAN, Json, Organisation, World, mandate_body, person
from party_numbers import swedish
from registry.domain.callers import Scope
from registry.domain.documents import utc_text
from registry.signing.encryption import decrypt
from registry.storage.mandate_records import evidence_place
from registry.storage.secrets import get_secret

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
SIGNED_AT = NOW - 30 * DAY
CLERK = {"scheme": "username", "value": "anna.andersson", "name": None}


async def test_the_employee_and_the_statement_are_on_record(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality)
    signature = paper_signature(person(BERI), SIGNED_AT)
    body = mandate_body(template, signatures=[signature])
    issued = await municipality.post("/v1/mandates", body)
    assert issued.status_code == 201, issued.text
    mandate = issued.json()
    sealed = await municipality.get(f"/v1/mandates/{mandate['id']}/record")
    record = await verified(world, sealed.text, "mandate-record+jwt")
    assert record["signatures"] == [
        {
            "signer": person(BERI),
            "capacity": "principal",
            "method": "registered",
            "signed_at": utc_text(SIGNED_AT),
            "evidence": {
                "format": "statement",
                "digest": sha256_text(signature["evidence"]["data"].encode()),
            },
            "registrar": {"scheme": "username", "value": "anna.andersson"},
            "issuer": None,
        }
    ]
    assert record["content_digest"] == sha256_text(canonical(record["content"]))
    assert mandate["signatures"][0]["registrar"] == CLERK
    rows = await world.database.fetch_hot(
        "SELECT mandate_id, ciphertext FROM mandate_evidence WHERE mandate_id = $1", mandate["id"]
    )
    async with world.database.reading() as session:
        secret = await get_secret(session, world.keys, rows[0]["mandate_id"])
    assert secret is not None
    statement = decrypt(secret.data_key, rows[0]["ciphertext"], evidence_place(rows[0]["mandate_id"], 0))
    assert statement.decode() == signature["evidence"]["data"]


async def test_a_mandate_registered_later_counts_from_its_own_start(
    world: World, municipality: Organisation
) -> None:
    template = await world.publish_template(municipality)
    begun = NOW - 20 * DAY
    body = mandate_body(
        template,
        valid_from=utc_text(begun),
        valid_until=utc_text(NOW + 20 * DAY),
        signatures=[paper_signature(person(BERI), SIGNED_AT)],
    )
    issued = await municipality.post("/v1/mandates", body)
    assert issued.json()["status"] == "active"
    tick = timedelta(microseconds=1)
    assert await decision(municipality, at=utc_text(begun)) == "permit"
    assert await decision(municipality, at=utc_text(begun - tick)) == "deny: not_yet_valid"
    earlier = utc_text(NOW - 10 * DAY)
    assert await decision(municipality, at=earlier, known_at=earlier) == "deny: no_mandate"


async def test_only_a_registrar_attests(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality)
    clerkless = await world.organisation(municipality.party, without=without(Scope.MANDATES_REGISTER))
    before = await count_rows(world)
    body = mandate_body(template, signatures=[paper_signature(person(BERI), SIGNED_AT)])
    for path in ("/v1/mandates", "/v1/mandates/preview"):
        answer = await clerkless.post(path, body)
        assert faults(answer) == {("/signatures/0/method", "not_a_registrar")}
    assert await count_rows(world) == before
    assert set(before) == set(RECORDS)


async def test_everything_that_is_missing_is_told_at_once(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality)
    bare = {
        "capacity": "principal",
        "method": "registered",
        "evidence": {"format": "statement", "data": "  "},
    }
    answer = await municipality.post("/v1/mandates", mandate_body(template, signatures=[bare]))
    assert faults(answer) == {
        ("/signatures/0/signer", "missing"),
        ("/signatures/0/signed_at", "missing"),
        ("/signatures/0/registrar", "missing"),
        ("/signatures/0/evidence/data", "missing"),
    }


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"signer": person(HERMAN)}, {("/signatures/0/signer", "wrong_signer")}),
        ({"signed_at": utc_text(NOW + DAY)}, {("/signatures/0/signed_at", "in_the_future")}),
        ({"capacity": "registrar"}, {("/signatures/0/capacity", "capacity")}),
        (
            {"evidence": {"format": "jws", "data": "x"}},
            {("/signatures/0/evidence/format", "evidence_format")},
        ),
        (
            {"evidence": {"format": "attachment", "data": "x"}},
            {("/signatures/0/evidence/format", "evidence_format")},
        ),
    ],
)
async def test_an_attestation_that_does_not_fit(
    world: World, municipality: Organisation, changes: Json, expected: set[tuple[str, str]]
) -> None:
    template = await world.publish_template(municipality)
    signature = paper_signature(person(BERI), SIGNED_AT) | changes
    answer = await municipality.post("/v1/mandates", mandate_body(template, signatures=[signature]))
    assert faults(answer) == expected


async def test_a_paper_template_is_served_by_attestation(world: World, municipality: Organisation) -> None:
    signing = {"by": "principal", "methods": ["paper"]}
    template = await world.publish_template(municipality, signing=signing)
    body = mandate_body(template, signatures=[paper_signature(person(BERI), SIGNED_AT)])
    assert (await municipality.post("/v1/mandates", body)).status_code == 201
    jws_only = await world.publish_template(municipality, signing={"by": "principal", "methods": ["jws"]})
    body = mandate_body(jws_only, signatures=[paper_signature(person(BERI), SIGNED_AT)])
    assert faults(await municipality.post("/v1/mandates", body)) == {("/signatures/0/method", "method")}


async def test_one_signature_on_paper_and_one_by_e_id_are_one_person(
    world: World, municipality: Organisation
) -> None:
    template = await world.publish_template(municipality)
    signed = await world.sign(municipality, mandate_body(template), BERI)
    twice = [*signed["signatures"], paper_signature(person(BERI), SIGNED_AT)]
    answer = await municipality.post("/v1/mandates", signed | {"signatures": twice})
    assert faults(answer) == {("/signatures/1", "repeated")}


class TestGuardians:
    SIGNING: Json = {"by": "guardian", "methods": ["registered"]}  # noqa: RUF012  # read only
    CHILD = person(swedish("20190105980"), "Barn Testsson")

    async def test_a_guardian_signs_for_a_child(self, world: World, municipality: Organisation) -> None:
        template = await world.publish_template(municipality, signing=self.SIGNING)
        body = mandate_body(
            template,
            principal=self.CHILD,
            signatures=[paper_signature(person(BERI), SIGNED_AT, capacity="guardian")],
        )
        issued = await municipality.post("/v1/mandates", body)
        assert issued.status_code == 201, issued.text
        assert issued.json()["signatures"][0]["capacity"] == "guardian"

    async def test_nobody_is_their_own_guardian_nor_an_organisation_anyones(
        self, world: World, municipality: Organisation
    ) -> None:
        template = await world.publish_template(municipality, signing=self.SIGNING)
        for signer in (self.CHILD, municipality.wire):
            signature = paper_signature(signer, SIGNED_AT, capacity="guardian")
            body = mandate_body(template, principal=self.CHILD, signatures=[signature])
            answer = await municipality.post("/v1/mandates", body)
            assert faults(answer) == {("/signatures/0/signer", "wrong_signer")}

    async def test_an_e_id_signature_does_not_make_a_guardian(
        self, world: World, municipality: Organisation
    ) -> None:
        signing = {"by": "guardian", "methods": ["registered", "jws"]}
        template = await world.publish_template(municipality, signing=signing)
        body = mandate_body(
            template,
            principal=self.CHILD,
            valid_from="2026-11-21T00:00:00Z",
            valid_until="2027-11-21T00:00:00Z",
        )
        previewed = (await municipality.post("/v1/mandates/preview", body)).json()
        assert previewed["capacity"] == "guardian"
        signature = jws_signature(world.evidence(BERI, previewed["digest"]), "guardian")
        answer = await municipality.post("/v1/mandates", body | {"signatures": [signature]})
        assert faults(answer) == {("/signatures/0/method", "attestation")}
