"""Approvals through the API: a matter submitted, decided by the representative alone, and asked about."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from uuid_utils.compat import uuid7

from acting import calling, decision, faults, in_short, problem, sha256_text, without, world_at
from factories import (
    BERI,
    HERMAN,
    MARIA,
    PAUL,
    Json,
    Organisation,
    World,
    jws_payload,
    person,
    question,
)
from registry.domain.callers import Scope
from registry.domain.documents import utc_text
from registry.signing.canonical import canonical_bytes
from registry.signing.encodings import decode_base64url

ADDRESS = "/v1/approvals"
START = datetime(2026, 11, 21, 9, tzinfo=UTC)
DAY, TICK = timedelta(days=1), timedelta(microseconds=1)
DIGEST, OTHER_DIGEST = sha256_text(b"the form"), sha256_text(b"another form")


def matter(owner: Organisation, **changes: Any) -> Json:  # noqa: ANN401  # any member
    return {
        "principal": person(BERI),
        "representative": person(PAUL, "Paul Ingemar Vall"),
        "third_party": owner.wire,
        "permission": "apply",
        "title": "Application 2026-114",
        "content_digest": DIGEST,
        "deadline": "2098-01-01T00:00:00Z",
    } | changes


async def request(owner: Organisation, **changes: Any) -> Json:  # noqa: ANN401  # any member
    answer = await owner.post(ADDRESS, matter(owner, **changes))
    assert answer.status_code == 201, answer.text
    requested: Json = answer.json()
    assert answer.headers["location"] == f"{ADDRESS}/{requested['id']}"
    return requested


async def decide(
    client: Organisation, approval: Json, verdict: str = "approved", *, token: str = "", **body: object
) -> str:
    """Decide; the status then, or the problem."""
    headers = {"Id_Token": token} if token else {}
    answer = await client.post(
        f"{ADDRESS}/{approval['id']}/decision", {"decision": verdict} | body, **headers
    )
    return str(answer.json()["status"]) if answer.status_code == 201 else problem(answer)


@pytest.fixture
async def owner(world: World, municipality: Organisation) -> Organisation:
    """A third party with a mandate from Beri to Paul whose every matter has to be approved."""
    template = await world.publish_template(municipality, exercise={"approval": True})
    await world.issue(municipality, template, permissions=["apply", "follow"])
    return municipality


def names(approval: Json, digest: str = DIGEST) -> Json:
    return {"approval_id": approval["id"], "content_digest": digest}


async def test_a_matter_goes_through_once_the_representative_has_approved_it(
    world: World, owner: Organisation
) -> None:
    requested = await request(owner)
    assert (requested["status"], requested["decision"]) == ("pending", None)
    assert await decision(owner) == "conditional: approval_required"
    assert await decision(owner, **names(requested)) == "conditional: approval_required"
    token = world.id_token(PAUL, owner.client_id)
    assert await decide(owner, requested, token=token) == "approved"
    assert await decision(owner, **names(requested)) == "permit"
    assert await decision(owner) == "conditional: approval_required"
    read = (await owner.get(f"{ADDRESS}/{requested['id']}")).json()
    assert (read["status"], read["decision"]["decision"]) == ("approved", "approved")
    assert read["decision"]["decided_by"]["value"] == PAUL
    assert await decide(owner, requested, "declined", token=token) == "409 already-decided"


async def test_what_was_approved_is_good_for_itself_alone(world: World, owner: Organisation) -> None:
    requested = await request(owner)
    assert await decide(owner, requested, token=world.id_token(PAUL, owner.client_id)) == "approved"
    needed = "conditional: approval_required"
    assert await decision(owner, **names(requested, OTHER_DIGEST)) == needed
    assert await decision(owner, approval_id=requested["id"]) == needed
    assert await decision(owner, content_digest=DIGEST) == needed
    assert await decision(owner, permissions=["follow"], **names(requested)) == needed
    asked = question(owner, permissions=["apply", "follow"], **names(requested))
    both = (await owner.post("/v1/verifications", asked)).json()
    assert [in_short(item) for item in both["permissions"]] == ["permit", needed]


async def test_a_declined_matter_does_not_go_through(world: World, owner: Organisation) -> None:
    requested = await request(owner)
    assert await decide(owner, requested, "declined", token=world.id_token(PAUL, owner.client_id)) == (
        "declined"
    )
    assert await decision(owner, **names(requested)) == "conditional: approval_required"


async def test_an_approval_of_other_parties_is_a_mismatch(world: World, owner: Organisation) -> None:
    other_representative = await request(owner, representative=person(MARIA, "Maria Johansson"))
    other_principal = await request(owner, principal=person(HERMAN, "Herman Ört"))
    stranger = await world.organisation()
    await world.publish_template(stranger)
    elsewhere = await request(stranger)
    for approval in (other_representative, other_principal, elsewhere, {"id": str(uuid7())}):
        assert await decision(owner, **names(approval)) == "deny: party_mismatch"
    asked = [question(owner, **names(other_principal)), question(owner)]
    batch = (await owner.post("/v1/verifications/batch", {"questions": asked})).json()
    assert [in_short(item) for item in batch["answers"]] == [
        "deny: party_mismatch",
        "conditional: approval_required",
    ]
    claims = jws_payload((await owner.post("/v1/verifications", asked[0])).json()["receipt"])
    assert claims["question"]["approval_id"] == other_principal["id"]


async def test_an_approval_gives_nothing_without_a_mandate(world: World, municipality: Organisation) -> None:
    await world.publish_template(municipality, exercise={"approval": True})
    requested = await request(municipality)
    token = world.id_token(PAUL, municipality.client_id)
    assert await decide(municipality, requested, token=token) == "approved"
    assert await decision(municipality, **names(requested)) == "deny: no_mandate"


class TestProof:
    async def test_only_the_representative_decides(self, world: World, owner: Organisation) -> None:
        requested = await request(owner)
        for token in ("", *(world.id_token(number, owner.client_id) for number in (BERI, MARIA))):
            assert await decide(owner, requested, token=token) == "403 forbidden"
        stranger = await world.organisation()
        assert await decide(stranger, requested) == "404 not-found"
        assert await decide(stranger, requested, token=world.id_token(MARIA, stranger.client_id)) == (
            "404 not-found"
        )
        assert await decide(stranger, {"id": str(uuid7())}) == "404 not-found"
        # Through whichever client the representative itself comes.
        assert await decide(stranger, requested, token=world.id_token(PAUL, stranger.client_id)) == "approved"

    async def test_by_a_signature_over_the_matter(self, world: World, owner: Organisation) -> None:
        requested = await request(owner)
        signed = decode_base64url(requested["to_be_signed"])
        assert sha256_text(signed) == requested["digest"]
        by_paul = signature(world.evidence(PAUL, requested["digest"]))
        assert await decide(owner, requested, "approved", signature=by_paul) == "approved"
        read = (await owner.get(f"{ADDRESS}/{requested['id']}")).json()
        assert read["decision"]["evidence_digest"] == sha256_text(by_paul["evidence"]["data"].encode())

    async def test_a_signature_for_something_else_is_refused(self, world: World, owner: Organisation) -> None:
        requested, other = await request(owner), await request(owner)
        address = f"{ADDRESS}/{requested['id']}/decision"
        for digest, verdict in ((other["digest"], "approved"), (requested["digest"], "declined")):
            body = {"decision": verdict, "signature": signature(world.evidence(PAUL, digest))}
            answer = await owner.post(address, body)
            assert faults(answer) == {("/signature/evidence/data", "evidence_other_content")}
        by_maria = signature(world.evidence(MARIA, requested["digest"]))
        assert await decide(owner, requested, signature=by_maria) == "403 forbidden"
        by_paul = signature(world.evidence(PAUL, requested["digest"]))
        token = world.id_token(MARIA, owner.client_id)
        assert await decide(owner, requested, token=token, signature=by_paul) == "403 forbidden"
        stranger = await world.organisation()
        bad = signature(world.evidence(MARIA, other["digest"]))
        assert await decide(stranger, requested, signature=bad) == "404 not-found"
        assert await decide(stranger, {"id": str(uuid7())}, signature=bad) == "404 not-found"

    async def test_declining_by_a_signature(self, world: World, owner: Organisation) -> None:
        requested = await request(owner)
        document = orjson.loads(decode_base64url(requested["to_be_signed"])) | {"decision": "declined"}
        digest = sha256_text(canonical_bytes(document))
        declining = signature(world.evidence(PAUL, digest))
        assert await decide(owner, requested, "declined", signature=declining) == "declined"

    async def test_an_organisation_decides_by_its_own_client(self, world: World, owner: Organisation) -> None:
        agency = await world.organisation()
        requested = await request(owner, representative=agency.wire)
        assert await decide(owner, requested) == "403 forbidden"
        assert await decide(agency, requested) == "approved"

    async def test_another_subject_is_no_approval(self, world: World, owner: Organisation) -> None:
        body = {"subject": person(BERI), "scope": "record", "third_party": owner.wire, "reason": "sealed"}
        restriction = (await owner.post("/v1/restrictions", body)).json()
        bad = signature(world.evidence(PAUL, DIGEST))
        assert await decide(owner, restriction, signature=bad) == "404 not-found"
        assert await decide(owner, restriction) == "404 not-found"
        assert problem(await owner.get(f"{ADDRESS}/{restriction['id']}")) == "404 not-found"


def signature(evidence: str) -> Json:
    return {"evidence": {"format": "jws", "data": evidence}}


class TestRequests:
    @pytest.mark.parametrize(
        ("changes", "fault"),
        [
            ({"permission": "unheard-of"}, ("/permission", "unknown_permission")),
            ({"representative": person(BERI)}, ("/representative", "not_another")),
            ({"representative": {"scheme": "username", "value": "anna"}}, ("/representative", "not_a_party")),
            ({"deadline": "2020-01-01T00:00:00Z"}, ("/deadline", "period")),
            ({"content_digest": "abc"}, ("/content_digest", "string_pattern_mismatch")),
            ({"title": ""}, ("/title", "string_too_short")),
            ({"status": "approved"}, ("/status", "extra_forbidden")),
        ],
    )
    async def test_faults(self, owner: Organisation, changes: Json, fault: tuple[str, str]) -> None:
        assert faults(await owner.post(ADDRESS, matter(owner, **changes))) == {fault}

    async def test_all_faults_at_once(self, owner: Organisation) -> None:
        body = matter(owner, permission="x", deadline="2020-01-01T00:00:00Z")
        assert faults(await owner.post(ADDRESS, body)) == {
            ("/permission", "unknown_permission"),
            ("/deadline", "period"),
        }

    async def test_only_the_third_party_submits(self, world: World, owner: Organisation) -> None:
        stranger = await world.organisation()
        assert problem(await stranger.post(ADDRESS, matter(owner))) == "403 forbidden"
        lacking = await world.organisation(owner.party, without=without(Scope.APPROVALS_WRITE))
        assert problem(await lacking.post(ADDRESS, matter(owner))) == "403 missing-scope"

    async def test_third_party_is_the_caller_where_it_is_left_out(self, owner: Organisation) -> None:
        body = {name: value for name, value in matter(owner).items() if name != "third_party"}
        answer = await owner.post(ADDRESS, body)
        assert answer.json()["third_party"]["value"] == owner.party.value

    async def test_the_same_request_is_one_approval(self, owner: Organisation) -> None:
        key = {"Idempotency-Key": "once"}
        first, again = [await owner.post(ADDRESS, matter(owner), **key) for _ in range(2)]
        assert first.json()["id"] == again.json()["id"]
        other = await owner.post(ADDRESS, matter(owner, title="Another"), **key)
        assert problem(other) == "422 idempotency-key-reused"

    async def test_who_may_read_it(self, world: World, owner: Organisation) -> None:
        agency, stranger = await world.organisation(), await world.organisation()
        requested = await request(owner, representative=agency.wire)
        address = f"{ADDRESS}/{requested['id']}"
        assert (await agency.get(address)).status_code == 200
        assert problem(await stranger.get(address)) == "404 not-found"
        for number, status in ((BERI, 200), (MARIA, 404)):
            headers = {"Id-Token": world.id_token(number, stranger.client_id)}
            assert (await stranger.http.get(address, headers=headers)).status_code == status


async def test_a_matter_lapses_with_its_deadline(world: World) -> None:
    own = world_at(world, START)
    owner = await own.organisation()
    template = await own.publish_template(owner, exercise={"approval": True})
    times = {"valid_from": utc_text(START), "valid_until": utc_text(START + 100 * DAY)}
    await own.issue(owner, template, **times)
    left, approved = [await request(owner, deadline=utc_text(START + 2 * DAY)) for _ in range(2)]
    deciding = world_at(world, START + DAY)
    client = await calling(deciding, owner)
    token = deciding.id_token(PAUL, owner.client_id)
    assert await decide(client, approved, token=token) == "approved"
    for moment, expected in (
        (START + DAY - TICK, "conditional: approval_required"),
        (START + DAY, "permit"),
        (START + 2 * DAY - TICK, "permit"),
        (START + 2 * DAY, "conditional: approval_required"),
    ):
        assert await decision(client, at=utc_text(moment), **names(approved)) == expected
    known = {"at": utc_text(START + DAY), "known_at": utc_text(START + DAY - TICK)}
    assert await decision(client, **known, **names(approved)) == "conditional: approval_required"
    later = world_at(world, START + 2 * DAY)
    after = await calling(later, owner)
    token = later.id_token(PAUL, owner.client_id)
    assert await decide(after, left, token=token) == "409 approval-lapsed"
    statuses = [(await after.get(f"{ADDRESS}/{item['id']}")).json()["status"] for item in (left, approved)]
    assert statuses == ["lapsed", "lapsed"]
    assert await decision(after, **names(approved)) == "conditional: approval_required"
    assert await decision(after, at=utc_text(START + DAY), **names(approved)) == "permit"
