"""Acting contexts: a permit carried to another e-service, which asks a question of its own."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from acting import ask, calling, faults, in_short, problem, verified, without, world_at
from factories import (
    BERI,
    HERMAN,
    MARIA,
    PAUL,
    TEST_PERSSON,
    Json,
    Organisation,
    World,
    jws_payload,
    person,
    question,
)
from registry.domain.callers import Scope
from registry.domain.documents import utc_text, utc_time
from registry.signing.encodings import decode_base64url, encode_base64url
from registry.signing.jose import generate_signing_key, sign_compact
from registry.signing.records import SealType, seal

ADDRESS = "/v1/acting-contexts"
START = datetime(2026, 11, 21, 9, tzinfo=UTC)
MINUTE, TICK = timedelta(minutes=1), timedelta(microseconds=1)
BOTH = (BERI, PAUL)


@pytest.fixture
async def first(world: World, municipality: Organisation) -> Organisation:
    """The e-service where Paul may act for Beri."""
    await world.issue(municipality, await world.publish_template(municipality))
    return municipality


@pytest.fixture
async def second(world: World) -> Organisation:
    """Another one, where he may, too."""
    owner = await world.organisation(name="Karlskrona kommun")
    await world.issue(owner, await world.publish_template(owner))
    return owner


async def open_context(owner: Organisation, **changes: Any) -> Json:  # noqa: ANN401  # any member
    answer = await owner.post(ADDRESS, question(owner, **changes))
    assert answer.status_code == 200, answer.text
    opened: Json = answer.json()
    return opened


async def exchange(owner: Organisation, context: str, **changes: Any) -> Json:  # noqa: ANN401  # any member
    answer = await owner.post(f"{ADDRESS}/exchange", {"context": context, "permissions": ["apply"]} | changes)
    assert answer.status_code == 200, answer.text
    exchanged: Json = answer.json()
    return exchanged


async def refused(owner: Organisation, context: str) -> set[tuple[str, str]]:
    return faults(await owner.post(f"{ADDRESS}/exchange", {"context": context, "permissions": ["apply"]}))


async def test_a_permit_is_exchanged_for_an_answer_of_its_own(
    world: World, first: Organisation, second: Organisation
) -> None:
    opened = await open_context(first)
    assert in_short(opened) == "permit"
    answer = await exchange(second, opened["context"])
    assert in_short(answer) == "permit"
    assert (answer["principal"], answer["representative"]) == tuple(
        person(number, None) | {"name": None} for number in BOTH
    )
    assert answer["permissions"][0]["mandate_id"] != opened["permissions"][0]["mandate_id"]
    receipts = [await verified(world, item["receipt"], "mandate-receipt+jwt") for item in (opened, answer)]
    assert receipts[0]["jti"] != receipts[1]["jti"]
    asked = receipts[1]["question"]
    assert asked["third_party"]["value"] == second.party.value
    assert (asked["principal"]["value"], asked["representative"]["value"]) == BOTH
    assert asked["context_id"] == receipts[0]["jti"]
    assert "context" not in asked
    members = {"decision", "reasons", "permissions", "checked_at"}
    assert receipts[1]["answer"] == {name: answer[name] for name in members}


async def test_each_answer_has_an_audit_row(world: World, first: Organisation, second: Organisation) -> None:
    opened = await open_context(first)
    answer = await exchange(second, opened["context"])
    for owner, operation, item in (
        (first, "acting_context", opened),
        (second, "acting_context_exchange", answer),
    ):
        rows = await world.database.fetch_hot(
            "SELECT id::text, operation, decision FROM access_log WHERE client_id = $1", owner.client_id
        )
        jti = jws_payload(item["receipt"])["jti"]
        assert (jti, operation, "permit") in {tuple(row) for row in rows}


async def test_the_context_names_nobody_and_is_the_registrys(world: World, first: Organisation) -> None:
    opened = await open_context(first)
    claims = await verified(world, opened["context"], "acting-context+jwt")
    assert claims.keys() == {"iss", "iat", "exp", "jti", "third_party", "permissions", "parties"}
    assert claims["exp"] - claims["iat"] <= 900
    assert claims["permissions"] == opened["permissions"]
    whole = orjson.dumps(claims) + decode_base64url(claims["parties"])
    for number in BOTH:
        assert number.encode() not in whole
    again = jws_payload((await open_context(first))["context"])
    assert again["parties"] != claims["parties"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"representative": person(MARIA, None)}, "deny: no_mandate"),
        ({"permissions": ["apply", "follow"]}, "deny: out_of_scope"),
    ],
)
async def test_only_a_permit_opens_a_context(first: Organisation, changes: Json, expected: str) -> None:
    answer = await open_context(first, **changes)
    assert in_short(answer) == expected
    assert (answer["context"], answer["expires_at"]) == (None, None)


async def test_the_other_e_service_decides_by_its_own_mandates(world: World, first: Organisation) -> None:
    elsewhere = await world.organisation()
    await world.publish_template(elsewhere)
    opened = await open_context(first)
    answer = await exchange(elsewhere, opened["context"])
    assert in_short(answer) == "deny: no_mandate"
    assert (answer["principal"], answer["representative"]) == (None, None)
    whole = orjson.dumps(jws_payload(answer["receipt"])) + orjson.dumps(answer)
    assert not any(number.encode() in whole for number in BOTH), "it has no business with them"


async def test_what_was_revoked_or_restricted_since_is_not_permitted(
    first: Organisation, second: Organisation
) -> None:
    opened = await open_context(first)
    body = {"subject": person(BERI), "scope": "all_representatives", "third_party": second.wire}
    imposed = await second.post("/v1/restrictions", body | {"reason": "protected"})
    assert imposed.status_code == 201
    assert in_short(await exchange(second, opened["context"])) == "deny: restricted"
    mandate_id = opened["permissions"][0]["mandate_id"]
    revocation = {"by": "third_party", "reason": "over"}
    assert (await first.post(f"/v1/mandates/{mandate_id}/revocation", revocation)).status_code == 201
    assert in_short(await exchange(first, opened["context"])) == "deny: revoked"


@pytest.mark.parametrize("member", ["principal", "representative"])
async def test_a_context_of_other_parties_is_a_mismatch(
    world: World, first: Organisation, second: Organisation, member: str
) -> None:
    """Somebody else brings it, who may act there by a mandate of their own."""
    await world.issue(second, await world.publish_template(second), principal=person(HERMAN, "Herman Ört"))
    opened = await open_context(first)
    named = {"principal": HERMAN, "representative": MARIA}[member]
    answer = await exchange(second, opened["context"], **{member: person(named, None)})
    assert in_short(answer) == "deny: party_mismatch"
    other = {"principal": "representative", "representative": "principal"}[member]
    assert (answer[member]["value"], answer[other]) == (named, None)
    same = {"principal": person(BERI, None), "representative": person(PAUL, None)}
    assert in_short(await exchange(second, opened["context"], **same)) == "permit"


async def test_those_who_act_together_stay_together(world: World, first: Organisation) -> None:
    template = await world.publish_template(first, exercise={"together": 2}, permissions=[PAIR])
    pair = [person(PAUL), person(TEST_PERSSON)]
    await world.issue(first, template, representatives=pair, permissions=["together"])
    both = {"permissions": ["together"], "representatives": [person(TEST_PERSSON, None)]}
    opened = await open_context(first, **both)
    assert in_short(await exchange(first, opened["context"], permissions=["together"])) == "permit"


PAIR = {"code": "together", "type": "sign", "title": {"sv": "Tillsammans"}, "preselected": True}


async def test_service_and_specifier_are_the_other_e_services_own(world: World, first: Organisation) -> None:
    second = await world.organisation()
    template = await world.publish_template(second, services=["oep-b"], specifiers=["property"])
    await world.issue(second, template, specifier={"property": "Sundsvall 1:1"})
    context = (await open_context(first, service="oep-serveringstillstand"))["context"]
    specifier = {"property": "Sundsvall 1:1"}
    assert in_short(await exchange(second, context, service="oep-b", specifier=specifier)) == "permit"
    assert in_short(await exchange(second, context, service="oep-b")) == "deny: out_of_scope"
    assert in_short(await exchange(second, context, service="oep-c", specifier=specifier)) == (
        "deny: out_of_scope"
    )


class TestRefused:
    async def test_after_its_time(self, world: World) -> None:
        own = world_at(world, START)
        owner = await own.organisation()
        times = {"valid_from": utc_text(START), "valid_until": utc_text(START + 60 * MINUTE)}
        await own.issue(owner, await own.publish_template(owner), **times)
        opened = await open_context(owner)
        end = utc_time(opened["expires_at"])
        assert end == START + 15 * MINUTE
        just_before = await calling(world_at(world, end - TICK), owner)
        assert in_short(await exchange(just_before, opened["context"])) == "permit"
        after = await calling(world_at(world, end), owner)
        assert await refused(after, opened["context"]) == {("/context", "context_expired")}
        late = await calling(world_at(world, START + 50 * MINUTE), owner)
        assert (await open_context(late))["expires_at"] == utc_text(START + 60 * MINUTE), "with its mandate"

    @pytest.mark.parametrize(
        "forge",
        [
            lambda context: context[:-6] + "AAAAAA",
            lambda context: swap_payload(context, {"exp": 4102444800}),
            lambda context: swap_payload(context, {"jti": "another"}),
            lambda context: context + ".x",
            lambda _: "not a token",
            lambda _: "å",
        ],
    )
    async def test_forged(self, first: Organisation, forge: Callable[[str], str]) -> None:
        opened = await open_context(first)
        assert await refused(first, forge(opened["context"])) == {("/context", "context_invalid")}

    async def test_foreign(self, world: World, first: Organisation) -> None:
        opened = await open_context(first)
        payload = jws_payload(opened["context"])
        other_key = generate_signing_key(world.keys.signing_key(world.clock()).kid)
        for foreign in (
            sign_compact(orjson.dumps(payload), other_key, typ="acting-context+jwt"),
            opened["receipt"],
            self.sealed(world, payload | {"iss": "https://another.example"}),
            self.sealed(world, payload | {"jti": "another"}),
            self.sealed(world, {"iss": payload["iss"]}),
        ):
            assert await refused(first, foreign) == {("/context", "context_invalid")}

    def sealed(self, world: World, document: Json) -> str:
        now = world.clock()
        return seal(document, world.keys, SealType.ACTING_CONTEXT, now=now).decode()

    async def test_questions_about_other_times(self, first: Organisation) -> None:
        body = question(first, at="2026-01-01T00:00:00Z", known_at="2026-01-01T00:00:00Z")
        found = faults(await first.post(ADDRESS, body))
        assert found == {("/at", "not_allowed"), ("/known_at", "not_allowed")}

    async def test_other_third_parties_need_a_scope(
        self, world: World, first: Organisation, second: Organisation
    ) -> None:
        assert problem(await second.post(ADDRESS, question(first))) == "403 missing-scope"
        context = (await open_context(first))["context"]
        body = {"context": context, "permissions": ["apply"], "third_party": first.wire}
        assert problem(await second.post(f"{ADDRESS}/exchange", body)) == "403 missing-scope"
        anywhere = await world.organisation(without=frozenset())
        assert (await anywhere.post(f"{ADDRESS}/exchange", body)).json()["decision"] == "permit"

    async def test_without_the_scope_to_verify(self, world: World, first: Organisation) -> None:
        lacking = await world.organisation(first.party, without=without(Scope.VERIFY_OWN))
        assert problem(await lacking.post(ADDRESS, question(first))) == "403 missing-scope"
        body = {"context": "x", "permissions": ["apply"]}
        assert problem(await lacking.post(f"{ADDRESS}/exchange", body)) == "403 missing-scope"

    @pytest.mark.parametrize(
        ("changes", "fault"),
        [
            ({"permissions": []}, ("/permissions", "too_short")),
            ({"context": ""}, ("/context", "string_too_short")),
            ({"at": "2026-01-01T00:00:00Z"}, ("/at", "extra_forbidden")),
            ({"at_least": "x"}, ("/at_least", "consistency_token")),
        ],
    )
    async def test_faults(self, first: Organisation, changes: Json, fault: tuple[str, str]) -> None:
        body = {"context": "x", "permissions": ["apply"]} | changes
        assert faults(await first.post(f"{ADDRESS}/exchange", body)) == {fault}


async def test_opening_is_a_verification_like_any_other(first: Organisation) -> None:
    opened, asked = await open_context(first), await ask(first)
    assert opened.keys() - asked.keys() == {"context", "expires_at"}
    assert opened["permissions"] == asked["permissions"]


def swap_payload(context: str, changes: Json) -> str:
    """The same token over another payload."""
    header, _, signature = context.split(".")
    payload = encode_base64url(orjson.dumps(jws_payload(context) | changes))
    return f"{header}.{payload}.{signature}"
