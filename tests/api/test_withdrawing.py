"""Withdrawal asked for: by whom, once at a time, ending nothing until the third party has answered."""

import pytest
from uuid_utils.compat import uuid7

from acting import canonical, count_rows, decision, faults, problem, sha256_text, verified, without
from delegating import make_chain
from factories import BERI, MARIA, PAUL, Clock, Json, Organisation, World, person
from registry.domain.callers import Scope
from registry.signing.encodings import decode_base64url
from registry.signing.keys import KeyRing
from registry.storage.database import Database

WHY = {"by": "principal", "reason": "my bookkeeper has changed"}
CLERK = {"scheme": "username", "value": "anna.andersson"}
REGISTRAR: Json = {"employee": CLERK, "statement": "Beri called; identity checked by call-back."}


def address(mandate: Json, rest: str = "") -> str:
    return f"/v1/mandates/{mandate['id']}/withdrawal-requests{rest}"


@pytest.fixture
async def mandate(world: World, municipality: Organisation) -> Json:
    """On a template that does not let the principal revoke by itself."""
    template = await world.publish_template(municipality, may_revoke=["third_party"])
    return await world.issue(municipality, template)


async def ask(world: World, client: Organisation, mandate: Json, number: str = BERI) -> Json:
    token = world.id_token(number, client.client_id)
    answer = await client.post(address(mandate), WHY, Id_Token=token)
    assert answer.status_code == 201, answer.text
    document: Json = answer.json()
    return document


async def events(owner: Organisation, mandate: Json) -> list[Json]:
    found: list[Json] = (await owner.get(f"/v1/mandates/{mandate['id']}/events")).json()["items"]
    return found


async def test_asking_is_on_record_and_ends_nothing(
    world: World, municipality: Organisation, mandate: Json
) -> None:
    token = world.id_token(BERI, municipality.client_id)
    refused = await municipality.post(
        f"/v1/mandates/{mandate['id']}/revocation", {"by": "principal"}, Id_Token=token
    )
    assert problem(refused) == "403 forbidden", "the template lets the third party alone revoke"
    told = await ask(world, municipality, mandate)
    assert (told["type"], told["by"], told["reason"]) == (
        "mandate.withdrawal_requested",
        "principal",
        WHY["reason"],
    )
    assert await decision(municipality) == "permit"
    assert (await municipality.get(f"/v1/mandates/{mandate['id']}")).json()["status"] == "active"
    asked = (await events(municipality, mandate))[1]
    sealed = await verified(world, asked["sealed"], "mandate-event+jwt")
    assert sealed["id"] == told["event_id"]
    assert sealed["by"]["party"] == person(BERI, None)
    assert sealed["details"] == {"evidence_digest": None, "evidence": None}


async def test_completing_ends_the_mandate_and_names_the_request(
    world: World, municipality: Organisation, mandate: Json
) -> None:
    asked = await ask(world, municipality, mandate)
    done = await municipality.post(address(mandate, f"/{asked['event_id']}/completion"), {})
    assert done.status_code == 201, done.text
    assert (done.json()["type"], done.json()["by"]) == ("mandate.revoked", "third_party")
    assert await decision(municipality) == "deny: revoked"
    ended = (await events(municipality, mandate))[2]
    assert ended["details"] == {"withdrawal_request": asked["event_id"]}
    assert ended["by"]["party"]["value"] == municipality.party.value
    for late in ("completion", "refusal"):
        again = await municipality.post(address(mandate, f"/{asked['event_id']}/{late}"), {"reason": "late"})
        assert problem(again) == "409 already-ended"
        assert again.json()["ended_by"]["event_id"] == ended["id"]
    token = world.id_token(BERI, municipality.client_id)
    assert problem(await municipality.post(address(mandate), WHY, Id_Token=token)) == "409 already-ended"


async def test_refusing_lets_it_go_on_and_the_principal_may_ask_again(
    world: World, municipality: Organisation, mandate: Json
) -> None:
    asked = await ask(world, municipality, mandate)
    refusal = address(mandate, f"/{asked['event_id']}/refusal")
    assert faults(await municipality.post(refusal, {})) == {("/reason", "missing")}
    refused = await municipality.post(refusal, {"reason": "a case is pending"})
    assert refused.status_code == 201, refused.text
    assert refused.json()["type"] == "mandate.withdrawal_refused"
    assert await decision(municipality) == "permit"
    for late in ("completion", "refusal"):
        again = await municipality.post(address(mandate, f"/{asked['event_id']}/{late}"), {"reason": "late"})
        assert problem(again) == "409 withdrawal-answered"
    second = await ask(world, municipality, mandate)
    stale = await municipality.post(address(mandate, f"/{asked['event_id']}/completion"), {})
    assert problem(stale) == "409 withdrawal-answered"
    done = await municipality.post(address(mandate, f"/{second['event_id']}/completion"), {})
    assert done.status_code == 201
    assert [event["type"].removeprefix("mandate.") for event in await events(municipality, mandate)] == [
        "issued",
        "withdrawal_requested",
        "withdrawal_refused",
        "withdrawal_requested",
        "revoked",
    ]


async def test_one_request_is_open_at_a_time(world: World, municipality: Organisation, mandate: Json) -> None:
    asked = await ask(world, municipality, mandate)
    token = world.id_token(BERI, municipality.client_id)
    again = await municipality.post(address(mandate), WHY, Id_Token=token)
    assert problem(again) == "409 withdrawal-open"
    assert again.json()["withdrawal_request"] == {"event_id": asked["event_id"], "at": asked["at"]}
    key = {"Idempotency_Key": "ask-once"}
    await municipality.post(address(mandate, f"/{asked['event_id']}/refusal"), {"reason": "pending"})
    first = await municipality.post(address(mandate), WHY, Id_Token=token, **key)
    replayed = await municipality.post(address(mandate), WHY, Id_Token=token, **key)
    assert first.status_code == replayed.status_code == 201
    assert first.json()["event_id"] == replayed.json()["event_id"]
    assert len(await events(municipality, mandate)) == 4
    other = await municipality.post(address(mandate), WHY | {"reason": "other"}, Id_Token=token, **key)
    assert problem(other) == "422 idempotency-key-reused"


async def test_a_portal_without_part_in_the_mandate_asks_for_the_person(
    world: World, municipality: Organisation, mandate: Json
) -> None:
    portal = await world.organisation(name="Portalen")
    told = await ask(world, portal, mandate)
    completion = address(mandate, f"/{told['event_id']}/completion")
    assert problem(await portal.post(completion, {})) == "404 not-found"
    assert problem(await portal.post(address(mandate), WHY)) == "404 not-found"
    assert (await municipality.post(completion, {})).status_code == 201


async def test_a_registrar_asks_for_a_principal_who_cannot(
    world: World, municipality: Organisation, mandate: Json
) -> None:
    body = {"by": "registrar", "reason": "asked at the desk", "registrar": REGISTRAR}
    unable = await world.organisation(municipality.party, without=without(Scope.MANDATES_REGISTER))
    assert problem(await unable.post(address(mandate), body)) == "403 missing-scope"
    unnamed = await municipality.post(address(mandate), {"by": "registrar", "reason": "asked"})
    assert problem(unnamed) == "403 forbidden"
    answer = await municipality.post(address(mandate), body)
    assert answer.status_code == 201, answer.text
    author = (await events(municipality, mandate))[1]["by"]
    assert author["role"] == "registrar"
    assert author["employee"] == CLERK | {"name": None}
    assert author["statement"] == REGISTRAR["statement"]


async def test_a_signature_proves_the_principal(
    world: World, municipality: Organisation, mandate: Json
) -> None:
    preview = (await municipality.post(address(mandate, "/preview"), WHY)).json()
    assert decode_base64url(preview["to_be_signed"]) == canonical(
        {"schema": "mandate-withdrawal-request/1", "mandate_id": mandate["id"], **WHY}
    )
    evidence = {"format": "jws", "data": world.evidence(BERI, preview["digest"])}
    elsewhere = WHY | {"reason": "another", "signature": {"evidence": evidence}}
    assert faults(await municipality.post(address(mandate), elsewhere)) == {
        ("/signature/evidence/data", "evidence_other_content")
    }
    signed = WHY | {"signature": {"evidence": evidence}}
    token = world.id_token(MARIA, municipality.client_id)
    torn = await municipality.post(address(mandate), signed, Id_Token=token)
    assert problem(torn) == "403 forbidden"
    answer = await municipality.post(address(mandate), signed)
    assert answer.status_code == 201, answer.text
    asked = (await events(municipality, mandate))[1]
    assert asked["details"] == {
        "evidence_digest": sha256_text(evidence["data"].encode()),
        "evidence": evidence["data"],
    }


@pytest.mark.parametrize("number", [None, PAUL, MARIA])
async def test_nobody_asks_in_the_principals_place(
    world: World, municipality: Organisation, mandate: Json, number: str | None
) -> None:
    headers = {} if number is None else {"Id_Token": world.id_token(number, municipality.client_id)}
    before = await count_rows(world)
    assert problem(await municipality.post(address(mandate), WHY, **headers)) == "403 forbidden"
    assert await count_rows(world) == before


async def test_others_revoke_or_renounce_and_do_not_ask(municipality: Organisation, mandate: Json) -> None:
    for by in ("representative", "third_party"):
        answer = await municipality.post(address(mandate), {"by": by, "reason": " "})
        assert faults(answer) == {("/by", "role"), ("/reason", "missing")}
    keyless = await municipality.http.post(address(mandate), json=WHY)
    assert problem(keyless) == "400 malformed-request"


async def test_only_the_third_party_answers(world: World, municipality: Organisation, mandate: Json) -> None:
    asked = await ask(world, municipality, mandate)
    recipient = await world.organisation(name="Other")
    template = await world.publish_template(municipality)
    shared = await world.issue(
        municipality, template, representatives=[{**recipient.wire}], permissions=["follow"]
    )
    token = world.id_token(BERI, municipality.client_id)
    other = (await municipality.post(address(shared), WHY, Id_Token=token)).json()
    for answer in ("completion", "refusal"):
        by_recipient = await recipient.post(
            address(shared, f"/{other['event_id']}/{answer}"), {"reason": "x"}
        )
        assert problem(by_recipient) == "403 forbidden"
        for unknown in (str(uuid7()), other["event_id"], mandate["id"]):
            missing = await municipality.post(address(mandate, f"/{unknown}/{answer}"), {"reason": "x"})
            assert problem(missing) == "404 not-found"
    assert asked["event_id"] != other["event_id"]


async def test_what_is_over_waits_for_no_answer(database: Database, keys: KeyRing) -> None:
    world = World(database, keys, clock=Clock())
    world.clock.advance()
    owner = await world.organisation()
    mandate = await world.issue(owner, await world.publish_template(owner))
    asked = await ask(world, owner, mandate)
    world.clock.advance(days=366)
    later = await world.organisation(owner.party)
    for answer in ("completion", "refusal"):
        over = await later.post(address(mandate, f"/{asked['event_id']}/{answer}"), {"reason": "x"})
        assert problem(over) == "409 mandate-over"
    token = world.id_token(BERI, later.client_id)
    assert problem(await later.post(address(mandate), WHY, Id_Token=token)) == "409 mandate-over"


async def test_what_hangs_below_ends_with_a_completed_withdrawal(
    world: World, municipality: Organisation
) -> None:
    root, leaf = await make_chain(world, municipality, 2, may_revoke=["third_party"])
    told = await ask(world, municipality, root)
    done = await municipality.post(address(root, f"/{told['event_id']}/completion"), {})
    assert done.status_code == 201, done.text
    assert done.json()["also_ended"] == [leaf["id"]]
    statuses = await municipality.post("/v1/mandates/status", {"ids": [root["id"], leaf["id"]]})
    assert [item["status"] for item in statuses.json()["items"]] == ["revoked", "revoked"]
