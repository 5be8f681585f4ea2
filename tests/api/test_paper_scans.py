"""Scans of paper originals: a registrar attests them; they are kept whole, and never called verified."""

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import orjson
import pytest

from acting import count_rows, decision, faults, paper_signature, problem, sha256_text, verified, without
from asking import ask_for, company_body
from factories import BERI, HERMAN, Json, Organisation, World, mandate_body, person
from party_numbers import swedish
from registry.domain.callers import Scope
from registry.domain.documents import utc_text

NOW = datetime.now(UTC)
SIGNED_AT = NOW - timedelta(days=30)
DATA = "/signatures/0/evidence/data"
PDF = b"%PDF-1.7\n" + bytes(range(256)) * 8
SIGNING = {"by": "principal", "methods": ["jws", "paper"]}


def attachment(scan: bytes = PDF, /, **changes: Any) -> str:  # noqa: ANN401  # any member
    members = {
        "media_type": "application/pdf",
        "sha256": sha256(scan).hexdigest(),
        "name": "samtycke-2026-114.pdf",
        "metadata": {"expires": "2027-11-20", "archive": "A 3:17"},
        "content": b64encode(scan).decode(),
        "statement": "Seen in the original, identity card checked.",
    } | changes
    return orjson.dumps({name: value for name, value in members.items() if value != "-"}).decode()


def scanned(data: str | None = None, signer: Json | None = None, **changes: Any) -> Json:  # noqa: ANN401  # any member
    evidence = {"format": "attachment", "data": attachment() if data is None else data}
    members = {"method": "paper", "evidence": evidence} | changes
    return paper_signature(signer or person(BERI), SIGNED_AT, **members)


@pytest.fixture
async def template(world: World, municipality: Organisation) -> Json:
    return await world.publish_template(municipality, signing=SIGNING)


async def test_a_scan_is_attested_and_kept(world: World, municipality: Organisation, template: Json) -> None:
    data = attachment()
    issued = await municipality.post("/v1/mandates", mandate_body(template, signatures=[scanned(data)]))
    assert issued.status_code == 201, issued.text
    mandate = issued.json()
    sealed = await municipality.get(f"/v1/mandates/{mandate['id']}/record")
    record = await verified(world, sealed.text, "mandate-record+jwt")
    assert record["signatures"] == [
        {
            "signer": person(BERI),
            "capacity": "principal",
            "method": "paper",
            "signed_at": utc_text(SIGNED_AT),
            "evidence": {"format": "attachment", "digest": sha256_text(data.encode())},
            "registrar": {"scheme": "username", "value": "anna.andersson"},
            "issuer": None,
        }
    ]
    assert await decision(municipality) == "permit"


@pytest.mark.parametrize(
    ("media_type", "begins"),
    [
        ("image/jpeg", b"\xff\xd8\xff\xe0"),
        ("image/png", b"\x89PNG\r\n\x1a\n"),
        ("image/tiff", b"II*\x00"),
        ("image/tiff", b"MM\x00*"),
    ],
)
async def test_pictures_are_taken_too(
    municipality: Organisation, template: Json, media_type: str, begins: bytes
) -> None:
    data = attachment(begins + b"rest", media_type=media_type, name=None, metadata="-")
    answer = await municipality.post(
        "/v1/mandates/preview", mandate_body(template, signatures=[scanned(data)])
    )
    assert answer.status_code == 200, answer.text


async def test_only_a_registrar_delivers_scans(
    world: World, municipality: Organisation, template: Json
) -> None:
    clerkless = await world.organisation(municipality.party, without=without(Scope.MANDATES_REGISTER))
    before = await count_rows(world)
    for path in ("/v1/mandates", "/v1/mandates/preview"):
        answer = await clerkless.post(path, mandate_body(template, signatures=[scanned()]))
        assert faults(answer) == {("/signatures/0/method", "not_a_registrar")}
    assert await count_rows(world) == before


REFUSED: dict[str, tuple[str, str]] = {
    "no JSON": ("x", "evidence_malformed"),
    "a list": ("[]", "evidence_malformed"),
    "a member twice": ('{"media_type": "x", "media_type": "x"}', "evidence_malformed"),
    "a member more": (attachment(owner="x"), "evidence_malformed"),
    "no digest": (attachment(sha256="-"), "evidence_malformed"),
    "no statement": (attachment(statement="-"), "evidence_malformed"),
    "a blank statement": (attachment(statement="  "), "evidence_missing"),
    "a statement too long": (attachment(statement="x" * 4001), "evidence_malformed"),
    "another digest": (attachment(sha256=sha256(b"other").hexdigest()), "evidence_digest"),
    "a digest in capitals": (attachment(sha256=sha256(PDF).hexdigest().upper()), "evidence_digest"),
    "a digest that is a number": (attachment(sha256=1), "evidence_digest"),
    "HTML": (attachment(b"<html>", media_type="text/html"), "evidence_media_type"),
    "SVG": (attachment(b"<svg>", media_type="image/svg+xml"), "evidence_media_type"),
    "a type that is no text": (attachment(media_type=["application/pdf"]), "evidence_media_type"),
    "HTML that says PDF": (attachment(b"<html>%PDF-"), "evidence_media_type"),
    "a PDF that says PNG": (attachment(media_type="image/png"), "evidence_media_type"),
    "nothing": (attachment(b""), "evidence_media_type"),
    "content without base64": (attachment(content="%PDF-"), "evidence_malformed"),
    "content that is no text": (attachment(content=1), "evidence_malformed"),
    "metadata that is a list": (attachment(metadata=["x"]), "evidence_malformed"),
    "metadata within metadata": (attachment(metadata={"a": {"b": "c"}}), "evidence_malformed"),
    "much metadata": (attachment(metadata={str(n): "x" for n in range(51)}), "evidence_malformed"),
    "a name with control characters": (attachment(name="a\x00b"), "evidence_malformed"),
    "a long name": (attachment(name="x" * 301), "evidence_malformed"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_scan_that_is_not_what_it_says(municipality: Organisation, template: Json, name: str) -> None:
    data, code = REFUSED[name]
    answer = await municipality.post("/v1/mandates", mandate_body(template, signatures=[scanned(data)]))
    assert faults(answer) == {(DATA, code)}


async def test_everything_that_is_missing_is_told_at_once(municipality: Organisation, template: Json) -> None:
    bare = {"capacity": "principal", "method": "paper", "evidence": {"format": "attachment", "data": "{}"}}
    answer = await municipality.post("/v1/mandates", mandate_body(template, signatures=[bare]))
    assert faults(answer) == {
        ("/signatures/0/signer", "missing"),
        ("/signatures/0/signed_at", "missing"),
        ("/signatures/0/registrar", "missing"),
        (DATA, "evidence_malformed"),
    }


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"signer": person(HERMAN)}, {("/signatures/0/signer", "wrong_signer")}),
        ({"registrar": person(BERI, None)}, {("/signatures/0/registrar", "no_employee")}),
        (
            {"evidence": {"format": "statement", "data": "Seen."}},
            {("/signatures/0/evidence/format", "evidence_format")},
        ),
        ({"method": "registered"}, {("/signatures/0/evidence/format", "evidence_format")}),
    ],
)
async def test_an_attestation_that_does_not_fit(
    municipality: Organisation, template: Json, changes: Json, expected: set[tuple[str, str]]
) -> None:
    answer = await municipality.post("/v1/mandates", mandate_body(template, signatures=[scanned(**changes)]))
    assert faults(answer) == expected


async def test_a_template_for_e_id_alone_takes_no_paper(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality, signing={"by": "principal", "methods": ["jws"]})
    answer = await municipality.post("/v1/mandates", mandate_body(template, signatures=[scanned()]))
    assert faults(answer) == {("/signatures/0/method", "method")}


async def test_a_guardians_paper_is_attested_too(world: World, municipality: Organisation) -> None:
    template = await world.publish_template(municipality, signing={"by": "guardian", "methods": ["paper"]})
    signature = scanned(signer=person(HERMAN), capacity="guardian")
    answer = await municipality.post("/v1/mandates", mandate_body(template, signatures=[signature]))
    assert answer.status_code == 201, answer.text


async def test_a_scan_has_the_room_of_the_request(municipality: Organisation, template: Json) -> None:
    large = attachment(PDF + bytes(600_000))
    body = mandate_body(template, signatures=[scanned(large)])
    assert (await municipality.post("/v1/mandates", body)).status_code == 201
    too_large = attachment(PDF + bytes(800_000))
    answer = await municipality.post("/v1/mandates", mandate_body(template, signatures=[scanned(too_large)]))
    assert answer.status_code == 413


class TestFetching:
    @pytest.fixture
    async def mandate(self, municipality: Organisation, template: Json) -> Json:
        issued = await municipality.post("/v1/mandates", mandate_body(template, signatures=[scanned()]))
        return issued.json()

    async def test_the_scan_comes_as_it_was_delivered(
        self, municipality: Organisation, mandate: Json
    ) -> None:
        found = await municipality.get(f"/v1/mandates/{mandate['id']}/signatures/0/attachment")
        assert (found.status_code, found.content) == (200, PDF)
        assert found.headers["content-type"] == "application/pdf"
        name = f"{mandate['id']}-signature-0.pdf"
        assert found.headers["content-disposition"] == f'attachment; filename="{name}"'
        assert found.headers["x-content-type-options"] == "nosniff"
        assert found.headers["cache-control"] == "private, no-store"

    async def test_reading_it_is_a_look_up(self, world: World, municipality: Organisation) -> None:
        me = swedish("20930303123")
        template = await world.publish_template(municipality, signing=SIGNING)
        body = mandate_body(template, principal=person(me), signatures=[scanned(signer=person(me))])
        mandate = (await municipality.post("/v1/mandates", body)).json()
        await municipality.get(f"/v1/mandates/{mandate['id']}/signatures/0/attachment")
        token = world.id_token(me, municipality.client_id)
        looked = (await municipality.post("/v1/me/access-log", Id_Token=token)).json()["items"]
        assert "mandate_attachment" in [item["operation"] for item in looked]

    async def test_where_there_is_none(self, world: World, municipality: Organisation, mandate: Json) -> None:
        signed = await world.issue(municipality, await world.publish_template(municipality))
        stranger = await world.organisation()
        for client, mandate_id, position in (
            (municipality, mandate["id"], 1),
            (municipality, signed["id"], 0),
            (stranger, mandate["id"], 0),
        ):
            path = f"/v1/mandates/{mandate_id}/signatures/{position}/attachment"
            assert problem(await client.get(path)) == "404 not-found"
        unable = await world.organisation(municipality.party, without=without(Scope.MANDATES_READ))
        path = f"/v1/mandates/{mandate['id']}/signatures/0/attachment"
        assert problem(await unable.get(path)) == "403 missing-scope"
        wrong = await municipality.get(f"/v1/mandates/{mandate['id']}/signatures/-1/attachment")
        assert wrong.status_code == 422

    async def test_of_a_request_those_who_know_its_signers_see_it(
        self, world: World, municipality: Organisation
    ) -> None:
        agent = await world.organisation()
        template = await world.publish_template(
            municipality, signing=SIGNING, representative_types=["organisation"]
        )
        request = await ask_for(municipality, company_body(template) | {"representatives": [agent.wire]})
        signature = scanned(signer=person(HERMAN), capacity="signatory")
        path = f"/v1/mandate-requests/{request['id']}/signatures"
        assert (await municipality.post(path, signature)).json()["status"] == "pending"
        found = await municipality.get(f"{path}/0/attachment")
        assert (found.content, found.headers["content-type"]) == (PDF, "application/pdf")
        assert problem(await municipality.get(f"{path}/1/attachment")) == "404 not-found"
        assert problem(await agent.get(f"{path}/0/attachment")) == "404 not-found"
        headers = {"Id-Token": world.id_token(HERMAN, agent.client_id)}
        by_signer = await agent.http.get(f"{path}/0/attachment", headers=headers)
        assert by_signer.content == PDF
