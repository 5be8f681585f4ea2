"""Batches: answers in order, all from one receipt, each with its path to the root that the receipt signs."""

from typing import Any

import pytest

from acting import calling, canonical, faults, in_short, problem, verified, world_at
from factories import (
    BERI,
    HERMAN,
    MARIA,
    Json,
    Organisation,
    World,
    jws_payload,
    person,
    question,
)
from reference_tree import audit_path, hash_by_path, tree_hash
from registry.domain.callers import Scope
from registry.signing.encodings import decode_base64url

BATCH = "/v1/verifications/batch"


async def batch(owner: Organisation, questions: list[Json]) -> Json:
    answer = await owner.post(BATCH, {"questions": questions})
    assert answer.status_code == 200, answer.text
    document: Json = answer.json()
    return document


def leaves(questions: list[Json], answers: list[Json]) -> list[bytes]:
    """The RFC 8785 bytes of each question with its answer, without what is told of the batch."""
    told = {"consistency_token", "receipt_path"}
    return [
        canonical(
            {"question": asked, "answer": {name: value for name, value in answer.items() if name not in told}}
        )
        for asked, answer in zip(questions, answers, strict=True)
    ]


async def check(world: World, owner: Organisation, questions: list[Json]) -> list[Json]:
    """Ask, and verify the whole proof by means that share nothing with the registry."""
    document = await batch(owner, questions)
    answers: list[Json] = document["answers"]
    receipt = await verified(world, document["receipt"], "mandate-batch-receipt+jwt")
    entries = leaves(questions, answers)
    root = tree_hash(entries)
    assert receipt["size"] == len(questions)
    assert decode_base64url(receipt["root"]) == root
    for index, (entry, answer) in enumerate(zip(entries, answers, strict=True)):
        assert answer["receipt_path"]["index"] == index
        path = [decode_base64url(node) for node in answer["receipt_path"]["path"]]
        assert hash_by_path(entry, index, len(entries), path) == root
        if len(entries) < 20:
            assert path == audit_path(index, entries)
    return answers


@pytest.fixture
async def owner(world: World, municipality: Organisation) -> Organisation:
    """A third party at which Paul acts for Beri, and Maria for Herman."""
    template = await world.publish_template(municipality, specifiers=["property"])
    await world.issue(municipality, template)
    await world.issue(
        municipality,
        template,
        principal=person(HERMAN),
        representatives=[person(MARIA)],
        permissions=["follow"],
    )
    return municipality


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13])
async def test_answers_come_in_order_with_their_proofs(world: World, owner: Organisation, size: int) -> None:
    kinds: list[tuple[Json, str]] = [
        ({}, "permit"),
        ({"permissions": ["follow"]}, "deny: out_of_scope"),
        ({"representative": person(MARIA, None)}, "deny: no_mandate"),
        (
            {
                "principal": person(HERMAN, None),
                "representative": person(MARIA, 'Ma\u00efa \uff21 📎 "\\/\n\t'),
                "permissions": ["follow"],
            },
            "permit",
        ),
        ({"known_at": "2020-01-01T00:00:00Z"}, "deny: no_mandate"),
    ]
    asked = [kinds[number % len(kinds)] for number in range(size)]
    questions = [
        question(owner, **changes, purpose=f"case {number}") for number, (changes, _) in enumerate(asked)
    ]
    answers = await check(world, owner, questions)
    assert [in_short(answer) for answer in answers] == [expected for _, expected in asked]
    assert [answer.get("historical", False) for answer in answers] == [
        "known_at" in asked_for for asked_for in questions
    ]


async def test_names_that_would_be_sorted_otherwise_elsewhere_are_refused(
    world: World, owner: Organisation
) -> None:
    """RFC 8785 sorts by UTF-16 units: what is sorted by code points would be another leaf."""
    questions = [question(owner, specifier={"\U0001f4ce": "a", "\uff21": "b"})]
    assert faults(await owner.post(BATCH, {"questions": questions})) == {
        ("/questions/0/specifier/\U0001f4ce", "string_pattern_mismatch"),
        ("/questions/0/specifier/\uff21", "string_pattern_mismatch"),
    }
    await check(world, owner, [question(owner, specifier={"b": "1", "B": "2", "a.b": "3", "a": "4"})])


async def test_a_thousand_questions(world: World, owner: Organisation) -> None:
    questions = [
        question(owner, purpose=f"case {number}")
        | ({} if number % 3 else {"representative": person(MARIA, None)})
        for number in range(1000)
    ]
    answers = await check(world, owner, questions)
    assert [answer["decision"] for answer in answers] == [
        "permit" if number % 3 else "deny" for number in range(1000)
    ]


async def test_the_same_question_as_alone_has_the_same_answer(world: World, owner: Organisation) -> None:
    still = await calling(world_at(world, world.clock()), owner)
    alone = (await still.post("/v1/verifications", question(owner))).json()
    together = (await batch(still, [question(owner)]))["answers"][0]
    assert jws_payload(alone["receipt"])["answer"] == {
        name: value for name, value in together.items() if name not in {"receipt_path", "consistency_token"}
    }


async def test_an_answer_moved_or_changed_does_not_fit_its_path(world: World, owner: Organisation) -> None:
    questions = [question(owner, purpose=f"case {number}") for number in range(5)]
    document = await batch(owner, questions)
    answers = document["answers"]
    root = decode_base64url((await verified(world, document["receipt"], "mandate-batch-receipt+jwt"))["root"])
    path = [decode_base64url(node) for node in answers[2]["receipt_path"]["path"]]
    entries = leaves(questions, answers)
    assert hash_by_path(entries[2], 2, 5, path) == root
    assert hash_by_path(entries[3], 2, 5, path) != root
    assert hash_by_path(entries[2], 3, 5, path) != root
    swapped = leaves([questions[1], questions[0], *questions[2:]], answers)
    assert tree_hash(swapped) != root


async def test_one_invalid_question_spoils_none_silently(world: World, owner: Organisation) -> None:
    questions = [question(owner) for _ in range(6)]
    questions[3] = question(owner, principal={"scheme": "se-pnr", "value": BERI[:-1] + "0"}, permissions=[])
    questions[5]["at_least"] = "AAAA"
    before = await count_answers(world)
    answer = await owner.post(BATCH, {"questions": questions})
    assert faults(answer) == {
        ("/questions/3/principal/value", "party_check_digit"),
        ("/questions/3/permissions", "too_short"),
    }
    del questions[3]
    answer = await owner.post(BATCH, {"questions": questions})
    assert faults(answer) == {("/questions/4/at_least", "consistency_token")}
    assert await count_answers(world) == before


@pytest.mark.parametrize(
    ("questions", "expected"),
    [
        ([], {("/questions", "too_short")}),
        (None, {("/questions", "list_type")}),
        ([1], {("/questions/0", "model_attributes_type")}),
        ("x", {("/questions", "list_type")}),
    ],
)
async def test_how_many_and_what(
    municipality: Organisation,
    questions: Any,  # noqa: ANN401  # any JSON
    expected: set[tuple[str, str]],
) -> None:
    assert faults(await municipality.post(BATCH, {"questions": questions})) == expected


async def test_a_thousand_and_one_are_too_many(municipality: Organisation) -> None:
    answer = await municipality.post(BATCH, {"questions": [question(municipality)] * 1001})
    assert faults(answer) == {("/questions", "too_long")}


async def test_anothers_matter_among_ones_own_needs_the_scope(world: World, owner: Organisation) -> None:
    other = await world.organisation()
    questions = [question(other), question(owner)]
    assert problem(await other.post(BATCH, {"questions": questions})) == "403 missing-scope"
    platform = await world.organisation(without=frozenset({Scope.REGISTRY_ADMIN}))
    answers = await check(world, platform, [question(owner), question(platform)])
    assert [in_short(answer) for answer in answers] == ["permit", "deny: unknown_permission"]


async def test_every_answer_of_a_batch_is_logged(world: World, owner: Organisation) -> None:
    before = await count_answers(world)
    document = await batch(owner, [question(owner)] * 250)
    assert await count_answers(world) == before + 250
    logged = await world.database.fetch_hot(
        "SELECT client_id, decision FROM access_log WHERE id = $1::text::uuid",
        jws_payload(document["receipt"])["jti"],
    )
    assert [(row["client_id"], row["decision"]) for row in logged] == [(owner.client_id, "permit")]


async def count_answers(world: World) -> int:
    rows = await world.database.fetch_hot("SELECT count(*) AS n FROM access_log WHERE decision IS NOT NULL")
    return int(rows[0]["n"])
