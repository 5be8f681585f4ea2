"""Signatures by BankID: the completion data is verified, and what it proves goes on record."""

import orjson
import pytest

from acting import RECORDS, count_rows, decision, faults, jws_signature, sha256_text, verified
from bankid_forge import ISSUER, TestBankId, replacing
from factories import BERI, HERMAN, MARIA, PAUL, Json, Organisation, World, mandate_body, person
from registry.signing.encryption import decrypt
from registry.storage.mandate_records import evidence_place
from registry.storage.secrets import get_secret

DATA = "/signatures/0/evidence/data"
METHODS = {"by": "signatories", "methods": ["jws", "se-bankid"]}
FIXED: Json = {"valid_from": "2026-11-21T00:00:00Z", "valid_until": "2027-11-21T00:00:00Z"}
COMPANY = {"scheme": "se-orgnr", "value": "5561929323", "name": "TB Bokföringsbyrå AB"}
JOINTLY: Json = {
    "form": "aktiebolag",
    "signatory_rule": {"alternatives": [{"any_of": [person(HERMAN, None), person(MARIA, None)], "count": 2}]},
    "source": "Bolagsverket",
}


@pytest.fixture(scope="module")
def eid() -> TestBankId:
    return TestBankId()


@pytest.fixture(scope="module")
def trusting(world: World, eid: TestBankId) -> World:
    """The application, trusting this e-ID."""
    return World(world.database, world.keys, eid_key=world.eid_key, eid_roots=(eid.roots(),))


@pytest.fixture
async def owner(trusting: World) -> Organisation:
    return await trusting.organisation()


@pytest.fixture
async def ready(trusting: World, owner: Organisation) -> tuple[Json, str]:
    """A body that lacks its signature, and the digest to sign."""
    template = await trusting.publish_template(owner, signing=METHODS)
    body = mandate_body(template, **FIXED)
    return body, (await owner.post("/v1/mandates/preview", body)).json()["digest"]


def bankid_signature(data: str, capacity: str = "principal", **changes: object) -> Json:
    evidence = {"format": "xmldsig", "data": data}
    return {"capacity": capacity, "method": "se-bankid", "evidence": evidence} | changes


async def test_a_bankid_signature_makes_a_mandate(
    trusting: World, owner: Organisation, eid: TestBankId, ready: tuple[Json, str]
) -> None:
    body, digest = ready
    data = eid.sign(digest)
    signed = body | {"signatures": [bankid_signature(data)]}
    assert (await owner.post("/v1/mandates/preview", signed)).status_code == 200
    issued = await owner.post("/v1/mandates", signed)
    assert issued.status_code == 201, issued.text
    mandate = issued.json()
    sealed = await owner.get(f"/v1/mandates/{mandate['id']}/record")
    record = await verified(trusting, sealed.text, "mandate-record+jwt")
    (signature,) = record["signatures"]
    assert signature == {
        "signer": person(BERI),
        "capacity": "principal",
        "method": "se-bankid",
        "signed_at": signature["signed_at"],
        "evidence": {"format": "xmldsig", "digest": sha256_text(data.encode())},
        "registrar": None,
        "issuer": ISSUER,
    }
    assert await decision(owner) == "permit"
    rows = await trusting.database.fetch_hot(
        "SELECT mandate_id, ciphertext FROM mandate_evidence WHERE mandate_id = $1", mandate["id"]
    )
    async with trusting.database.reading() as session:
        secret = await get_secret(session, trusting.keys, rows[0]["mandate_id"])
    assert secret is not None
    kept = decrypt(secret.data_key, rows[0]["ciphertext"], evidence_place(rows[0]["mandate_id"], 0))
    assert kept.decode() == data, "kept as it was sent"


async def test_two_sign_jointly_each_by_its_own_e_id(
    trusting: World, owner: Organisation, eid: TestBankId
) -> None:
    template = await trusting.publish_template(owner, signing=METHODS)
    body = mandate_body(template, principal=COMPANY, principal_details=JOINTLY, **FIXED)
    digest = (await owner.post("/v1/mandates/preview", body)).json()["digest"]
    herman = bankid_signature(eid.sign(digest, HERMAN), "signatory")
    maria = jws_signature(trusting.evidence(MARIA, digest), "signatory")
    alone = await owner.post("/v1/mandates", body | {"signatures": [herman]})
    assert faults(alone) == {("/signatures", "signatory_rule")}
    assert (await owner.post("/v1/mandates", body | {"signatures": [herman, maria]})).status_code == 201


async def test_another_persons_certificate_signs_for_that_person(
    owner: Organisation, eid: TestBankId, ready: tuple[Json, str]
) -> None:
    body, digest = ready
    data = eid.sign(digest, PAUL)
    answer = await owner.post("/v1/mandates", body | {"signatures": [bankid_signature(data)]})
    assert faults(answer) == {("/signatures/0/signer", "wrong_signer")}
    claimed = bankid_signature(data, signer=person(BERI))
    answer = await owner.post("/v1/mandates", body | {"signatures": [claimed]})
    assert (("/signatures/0/signer", "wrong_signer")) in faults(answer)


async def test_evidence_is_good_for_its_content_only(
    owner: Organisation, eid: TestBankId, ready: tuple[Json, str]
) -> None:
    body, digest = ready
    signed = body | {"signatures": [bankid_signature(eid.sign(digest))]}
    for change in ({"permissions": ["apply", "follow"]}, {"representatives": [person(MARIA)]}):
        assert faults(await owner.post("/v1/mandates", signed | change)) == {(DATA, "evidence_other_content")}


async def test_what_is_refused_writes_nothing_and_repeats_nobody(
    trusting: World, owner: Organisation, eid: TestBankId, ready: tuple[Json, str]
) -> None:
    body, digest = ready
    before = await count_rows(trusting)
    assert set(before) == set(RECORDS)
    bomb = replacing("?>", '?><!DOCTYPE Signature [<!ENTITY a "ha">]>')
    wrong = {
        "evidence_malformed": eid.sign(digest, spoil=bomb),
        "evidence_bad_signature": eid.sign(digest, spoil=replacing("Ny4xNC4w", "Ny4xNC4x")),
        "evidence_unknown_issuer": eid.sign(digest, person=eid.person(issuer=None)),
        "evidence_wrong_type": eid.sign(digest, function="Identification"),
        "evidence_bad_ocsp": eid.sign(digest, with_ocsp=False),
        "evidence_too_long": "x" * 200_001,
    }
    for code, data in wrong.items():
        for path in ("/v1/mandates", "/v1/mandates/preview"):
            answer = await owner.post(path, body | {"signatures": [bankid_signature(data)]})
            assert faults(answer) == {(DATA, code)}
            assert BERI not in answer.text
    assert await count_rows(trusting) == before


async def test_only_where_the_template_allows_it_and_the_registry_trusts_a_root(
    world: World, trusting: World, owner: Organisation, eid: TestBankId, ready: tuple[Json, str]
) -> None:
    template = await trusting.publish_template(owner)
    body = mandate_body(template, **FIXED)
    digest = (await owner.post("/v1/mandates/preview", body)).json()["digest"]
    signed = body | {"signatures": [bankid_signature(eid.sign(digest))]}
    assert faults(await owner.post("/v1/mandates", signed)) == {("/signatures/0/method", "method")}
    elsewhere = await world.organisation(owner.party)
    body, digest = ready
    signed = body | {"signatures": [bankid_signature(eid.sign(digest))]}
    assert faults(await elsewhere.post("/v1/mandates", signed)) == {(DATA, "evidence_unknown_issuer")}


async def test_the_principal_revokes_by_bankid(trusting: World, owner: Organisation, eid: TestBankId) -> None:
    template = await trusting.publish_template(owner)
    mandate = await trusting.issue(owner, template)
    address = f"/v1/mandates/{mandate['id']}/revocation"
    body: Json = {"by": "principal", "reason": "No longer needed."}
    digest = (await owner.post(f"{address}/preview", body)).json()["digest"]
    pointer = "/signature/evidence/data"
    spoiled = {"evidence": {"format": "xmldsig", "data": eid.sign(sha256_text(b"another act"))}}
    answer = await owner.post(address, body | {"signature": spoiled})
    assert faults(answer) == {(pointer, "evidence_other_content")}
    as_jws = {"evidence": {"format": "jws", "data": eid.sign(digest)}}
    assert faults(await owner.post(address, body | {"signature": as_jws})) == {
        (pointer, "evidence_malformed")
    }
    stranger = {"evidence": {"format": "xmldsig", "data": eid.sign(digest, MARIA)}}
    assert (await owner.post(address, body | {"signature": stranger})).status_code == 403
    data = eid.sign(digest)
    done = await owner.post(address, body | {"signature": {"evidence": {"format": "xmldsig", "data": data}}})
    assert done.status_code == 201, done.text
    events = (await owner.get(f"/v1/mandates/{mandate['id']}/events")).json()["items"]
    assert events[-1]["details"] == {"evidence_digest": sha256_text(data.encode()), "evidence": data}
    assert orjson.loads(data).keys() == {"signature", "ocspResponse"}
    assert await decision(owner) == "deny: revoked"


async def test_the_principal_asks_for_withdrawal_by_bankid(
    trusting: World, owner: Organisation, eid: TestBankId
) -> None:
    mandate = await trusting.issue(owner, await trusting.publish_template(owner))
    address = f"/v1/mandates/{mandate['id']}/withdrawal-requests"
    body: Json = {"by": "principal", "reason": "No longer needed."}
    data = eid.sign((await owner.post(f"{address}/preview", body)).json()["digest"])
    as_jws = {"signature": {"evidence": {"format": "jws", "data": data}}}
    assert faults(await owner.post(address, body | as_jws)) == {
        ("/signature/evidence/data", "evidence_malformed")
    }
    asked = await owner.post(address, body | {"signature": {"evidence": {"format": "xmldsig", "data": data}}})
    assert asked.status_code == 201, asked.text
    events = (await owner.get(f"/v1/mandates/{mandate['id']}/events")).json()["items"]
    assert events[-1]["details"] == {"evidence_digest": sha256_text(data.encode()), "evidence": data}
    assert events[-1]["by"]["party"]["value"] == BERI


async def test_the_representative_approves_by_bankid(
    trusting: World, owner: Organisation, eid: TestBankId
) -> None:
    await trusting.publish_template(owner)
    matter = {
        "principal": person(PAUL),
        "representative": person(BERI),
        "permission": "apply",
        "title": "Ansökan",
        "content_digest": sha256_text(b"the form"),
        "deadline": "2090-01-01T00:00:00Z",
    }
    approval = (await owner.post("/v1/approvals", matter)).json()
    address = f"/v1/approvals/{approval['id']}/decision"
    data = eid.sign(approval["digest"])
    as_jws: Json = {"decision": "approved", "signature": {"evidence": {"format": "jws", "data": data}}}
    assert faults(await owner.post(address, as_jws)) == {("/signature/evidence/data", "evidence_malformed")}
    signature = {"evidence": {"format": "xmldsig", "data": data}}
    declined = await owner.post(address, {"decision": "declined", "signature": signature})
    assert faults(declined) == {("/signature/evidence/data", "evidence_other_content")}
    done = await owner.post(address, {"decision": "approved", "signature": signature})
    assert done.status_code == 201, done.text
    assert done.json()["decision"]["decided_by"]["value"] == BERI
    assert done.json()["decision"]["evidence_digest"] == sha256_text(data.encode())


async def test_words_have_their_own_bound(owner: Organisation, ready: tuple[Json, str]) -> None:
    body, _ = ready
    answer = await owner.post("/v1/mandates", body | {"signatures": [jws_signature("x" * 20_001)]})
    assert faults(answer) == {(DATA, "string_too_long")}
