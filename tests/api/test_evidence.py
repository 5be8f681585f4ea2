"""Evidence bundles: what they prove to somebody who has no more than a file and the right keys."""

import base64
from collections.abc import AsyncIterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest
from sqlalchemy import insert
from typer.testing import CliRunner

from conftest import CloneDatabase, opened
from factories import BERI, PAUL, Json, Organisation, World, jws_payload, person, question
from log_filling import NAME, integrate, queue
from registry.cli import command_line
from registry.proofs.bundle import BundleError, read_bundle
from registry.proofs.check_bundle import CheckedBundle, check_bundle
from registry.proofs.check_receipt import check_receipt
from registry.proofs.verdict import Outcome, Trust, Verdict
from registry.signing.jose import sign_compact
from registry.signing.keys import KeyRing, new_key_ring
from registry.storage.tables import log_queue
from registry.tlog.notes import COSIGNATURE, NoteKey, NoteSignature, VerifierKey, attach

RECEIPT = "mandate-receipt+jwt"


@dataclass(frozen=True)
class Archive:
    """What somebody has archived: a bundle of a mandate that was used and revoked, receipts, and the keys."""

    bundle: Json
    permit: str
    deny: str
    trust: Trust


@pytest.fixture(scope="module")
async def world(clone_database: CloneDatabase, keys: KeyRing) -> AsyncIterator[World]:
    async with opened(await clone_database()) as database:
        yield World(database, keys)


@pytest.fixture(scope="module")
async def owner(world: World) -> Organisation:
    return await world.organisation()


@pytest.fixture(scope="module")
async def archive(world: World, owner: Organisation) -> Archive:
    await queue(world.database, 300)
    mandate = await world.issue(owner, await world.publish_template(owner))
    address = f"/v1/mandates/{mandate['id']}"
    use = {"permission": "apply", "case_ref": "2026-114", "by": person(PAUL, None)}
    assert (await owner.post(f"{address}/uses", use)).status_code == 201
    permit = (await owner.post("/v1/verifications", question(owner))).json()
    body = {"by": "third_party", "reason": "over"}
    assert (await owner.post(f"{address}/revocation", body)).status_code == 201
    deny = (await owner.post("/v1/verifications", question(owner))).json()
    await integrate(world)
    bundle = (await owner.get(f"{address}/evidence")).json()
    jwks = (await world.anonymous.get("/.well-known/jwks.json")).content
    trust = Trust(jwks, tuple(world.keys.log_verifiers(NAME.derived)))
    return Archive(bundle, permit["receipt"], deny["receipt"], trust)


def check(bundle: Json, trust: Trust) -> Verdict:
    return check_bundle(read_bundle(orjson.dumps(bundle)), trust)[0]


def test_a_bundle_is_proved_by_the_right_keys(archive: Archive) -> None:
    verdict = check(archive.bundle, archive.trust)
    assert (verdict.broken, verdict.outcome) == (None, Outcome.PROVED)
    assert len(archive.bundle["events"]) == 2
    text = verdict.text
    assert "PROVED:" in text
    assert "Every event after it (2) is sealed, each upon the one before" in text
    assert "All are in the log log.example/1, of 304 entries" in text
    assert "\n  - that the log shows the same to everybody: no witness" in text
    assert f"Beri Ylles (se-pnr:{BERI})" in text
    assert "by this record and these events" in text
    assert "revoked" in text


def test_by_its_own_keys_it_only_agrees_with_itself(archive: Archive) -> None:
    for trust in (Trust(), Trust(archive.trust.jwks), Trust(None, archive.trust.verifiers)):
        verdict = check(archive.bundle, trust)
        assert (verdict.broken, verdict.outcome) == (None, Outcome.SELF_CONSISTENT)
        assert "IT AGREES WITH ITSELF, no more" in verdict.text
        assert ("give --jwks" in verdict.text) == (trust.jwks is None)
        assert ("give --key" in verdict.text) == (not trust.verifiers)


def test_another_registrys_keys_prove_nothing(archive: Archive, world: World) -> None:
    other = new_key_ring(world.clock())
    jwks = orjson.dumps(other.jwks())
    assert "not in the key set" in str(check(archive.bundle, Trust(jwks, archive.trust.verifiers)).broken)
    for unusable in (b"", b"[]", b"{}", b'{"keys": 1}', b'{"keys": [1, {"kid": []}, {"kid": "x"}]}'):
        assert check(archive.bundle, Trust(unusable, archive.trust.verifiers)).outcome is Outcome.REFUSED
    log_keys = tuple(other.log_verifiers(NAME.derived))
    assert "no known key" in str(check(archive.bundle, Trust(archive.trust.jwks, log_keys)).broken)


def test_a_witness_is_named_once_its_key_is_given(archive: Archive) -> None:
    key = NoteKey(b"w" * 32)
    witness = VerifierKey("witness.example/w", key.public, COSIGNATURE)
    bundle = cosigned(archive.bundle, key, witness)
    trust = Trust(archive.trust.jwks, (*archive.trust.verifiers, witness))
    verdict = check(bundle, trust)
    assert verdict.outcome is Outcome.PROVED
    assert "the log that witness.example/w saw, too" in verdict.text


def test_a_bundle_names_no_witness_of_its_own(archive: Archive) -> None:
    """Whoever makes a bundle can make a key under any name, and cosign with it."""
    key = NoteKey(b"w" * 32)
    witness = VerifierKey("witness.example/w", key.public, COSIGNATURE)
    bundle = cosigned(archive.bundle, key, witness)
    bundle["log_keys"] = [*bundle["log_keys"], witness.text]
    verdict = check(bundle, Trust(archive.trust.jwks))
    assert (verdict.broken, verdict.outcome) == (None, Outcome.SELF_CONSISTENT)
    assert "witness.example" not in verdict.text
    assert "no witness whose key you gave signed it" in verdict.text


def test_a_bundle_without_its_last_event_is_not_said_to_be_whole(archive: Archive) -> None:
    """The revocation is left out: nothing in what is left tells, so nothing may be said of it."""
    bundle = deepcopy(archive.bundle)
    bundle["events"].pop()
    verdict = check(bundle, archive.trust)
    assert (verdict.broken, verdict.outcome) == (None, Outcome.PROVED)
    assert "active" in verdict.text
    assert (
        "\n  - that these are all its events: the last ones can be left out"
        in verdict.text.partition("NOT proved:")[2]
    )
    assert "by the bundle's own word" in verdict.text, "when it was made is nowhere signed"


def test_what_is_said_cannot_be_taken_for_a_verdict(archive: Archive, world: World) -> None:
    """Texts of parties may have lines; a terminal shows what it is told."""
    document = jws_payload(archive.permit)
    document["question"]["purpose"] = "x\n\nPROVED:\n  - all of it\x1b[2J\u202e"
    receipt = sign_compact(orjson.dumps(document), world.keys.signing_key(world.clock()), typ=RECEIPT)
    verdict = check_receipt(receipt, archive.trust.jwks or b"")
    assert verdict.outcome is Outcome.PROVED
    assert "purpose: x\\n\\nPROVED:\\n  - all of it\\x1b[2J\\u202e" in verdict.text
    assert verdict.text.count("\nPROVED:") == 1


def cosigned(bundle: Json, key: NoteKey, witness: VerifierKey) -> Json:
    """The same bundle, its checkpoint cosigned wherever it stands."""
    note = bundle["checkpoint"]
    text = note.partition("\n\n")[0] + "\n"
    signature = (7).to_bytes(8, "big") + key.sign(f"cosignature/v1\ntime 7\n{text}")
    signed = attach(note, NoteSignature(witness.name, witness.key_id, signature).line, [witness])
    old, new = (orjson.dumps(item)[1:-1] for item in (note, signed))
    changed: Json = orjson.loads(orjson.dumps(bundle).replace(old, new))
    return changed


def forge(text: str) -> str:
    """Change one character of the payload of a compact JWS."""
    head, payload, signature = text.split(".")
    middle = len(payload) // 2
    other = "A" if payload[middle] != "A" else "B"
    return ".".join((head, payload[:middle] + other + payload[middle + 1 :], signature))


def other_path(text: str) -> str:
    """The same proof with its first hash replaced."""
    lines = text.split("\n")
    return "\n".join([*lines[:2], base64.b64encode(bytes(32)).decode(), *lines[3:]])


FORGERIES = {
    "record": (lambda b: b["record"].update(sealed=forge(b["record"]["sealed"])), "The record: its seal"),
    "event as record": (
        lambda b: b["record"].update(sealed=b["events"][0]["sealed"]),
        "token of another kind",
    ),
    "id": (lambda b: b.update(mandate_id="01a1ff99-e247-736b-8ab5-1240e559611c"), "another mandate"),
    "evidence": (lambda b: b["signatures"][0].update(evidence="x"), "evidence of the signatures"),
    "no evidence": (lambda b: b["signatures"].clear(), "evidence of the signatures"),
    "template": (lambda b: b["template"].update(sealed=forge(b["template"]["sealed"])), "The template: its"),
    "template version": (lambda b: b["template"].update(version=2), "another than the one"),
    "first event gone": (lambda b: b["events"].pop(0), "Event 2 does not follow"),
    "events swapped": (lambda b: b["events"].reverse(), "Event 2 does not follow"),
    "event number": (lambda b: b["events"][0].update(number=2), "another number"),
    "salt": (lambda b: b["events"][0].update(salt="A" * 43), "Event 1 is not proved"),
    "proof": (lambda b: b["record"].update(proof=b["events"][0]["proof"]), "The record is not proved"),
    "path": (lambda b: b["record"].update(proof=other_path(b["record"]["proof"])), "does not lead"),
    "no proof": (lambda b: b["template"].update(proof="x"), "The template is not proved"),
    "checkpoint": (lambda b: b.update(checkpoint=b["checkpoint"] + "\n"), "another checkpoint"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_bundle_is_refused(archive: Archive, name: str) -> None:
    act, reason = FORGERIES[name]
    bundle = deepcopy(archive.bundle)
    act(bundle)
    verdict = check(bundle, archive.trust)
    assert (verdict.outcome, reason in str(verdict.broken)) == (Outcome.REFUSED, True), verdict.broken
    assert "REFUSED: do not rely on it." in verdict.text


def test_a_later_forgery_under_a_key_that_was_retired_is_refused(archive: Archive) -> None:
    jwks = orjson.loads(archive.trust.jwks or b"")
    for member, word in (("nbf", "not in use yet"), ("exp", "retired before")):
        moved = [{**key, member: 4_000_000_000 if member == "nbf" else 946_684_800} for key in jwks["keys"]]
        trust = Trust(orjson.dumps({"keys": moved}), archive.trust.verifiers)
        assert word in str(check(archive.bundle, trust).broken)


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b'{"schema":"evidence-bundle/1"}', b'{"schema":"evidence-bundle/2"}']
)
def test_what_is_no_bundle_is_not_read(data: bytes) -> None:
    with pytest.raises(BundleError):
        read_bundle(data)


@pytest.mark.parametrize("salt", ["", "A" * 42, "A" * 44, "A" * 42 + "B", "A" * 43 + "=", 1])
def test_a_salt_has_its_length(archive: Archive, salt: object) -> None:
    """What lies between salt and record is no choice of whoever brings them."""
    bundle = deepcopy(archive.bundle)
    bundle["record"]["salt"] = salt
    with pytest.raises(BundleError):
        read_bundle(orjson.dumps(bundle))


async def test_what_is_not_in_the_log_yet_is_asked_for_again(world: World, owner: Organisation) -> None:
    mandate = await world.issue(owner, await world.publish_template(owner))
    address = f"/v1/mandates/{mandate['id']}"
    pending = await owner.get(f"{address}/evidence")
    assert (pending.status_code, pending.headers["retry-after"]) == (409, "2")
    assert pending.json()["type"] == "urn:registry:problem:log-pending"
    await integrate(world)
    assert (await owner.get(f"{address}/evidence")).status_code == 200
    assert (await owner.post(f"{address}/suspension", {"reason": "looked into"})).status_code == 201
    assert (await owner.get(f"{address}/evidence")).status_code == 409, "its newest event is not logged"


async def test_a_bundle_never_lacks_an_event_that_its_checkpoint_is_over(
    world: World, owner: Organisation
) -> None:
    """What is recorded and logged while a bundle is gathered: asked again, it is complete."""
    mandate = await world.issue(owner, await world.publish_template(owner))
    later = {"kind": "mandate", "subject_id": mandate["id"], "number": 1, "commitment": bytes(32)}
    async with world.database.transaction() as session:
        await session.execute(insert(log_queue), [later])
    await integrate(world)
    answer = await owner.get(f"/v1/mandates/{mandate['id']}/evidence")
    assert (answer.status_code, answer.json().get("type")) == (409, "urn:registry:problem:log-pending")


@pytest.mark.usefixtures("archive")
async def test_who_gathered_evidence_is_on_record(owner: Organisation) -> None:
    body = {"party": person(BERI, None), "purpose": "audit 2026-1"}
    found = (await owner.post("/v1/access-log/search", body)).json()
    assert "mandate_evidence" in {item["operation"] for item in found["items"]}


def checked(bundle: Json, trust: Trust) -> CheckedBundle:
    found = check_bundle(read_bundle(orjson.dumps(bundle)), trust)[1]
    assert found is not None
    return found


def test_a_receipt_is_proved_and_agrees_with_the_records(archive: Archive) -> None:
    jwks = archive.trust.jwks or b""
    for receipt, decision, said in (
        (archive.permit, "permit", "the mandate was active then: the answer agrees"),
        (archive.deny, "deny", "a refusal names no mandate"),
    ):
        alone = check_receipt(receipt, jwks)
        assert (alone.outcome, f"decision: {decision}" in alone.text) == (Outcome.PROVED, True)
        matched = check_receipt(receipt, jwks, checked(archive.bundle, archive.trust))
        assert (matched.outcome, said in matched.text) == (Outcome.PROVED, True)
        compared = "that the bundle has every event of until then" in matched.text
        assert compared == (decision == "permit"), "what a bundle lacks is not compared"


async def test_a_question_is_matched_however_it_was_written(
    archive: Archive, owner: Organisation, world: World
) -> None:
    number = owner.party.value
    told = jws_payload(archive.permit)
    told["question"] |= {
        "principal": person(f"{BERI[:8]}-{BERI[8:]}", None),
        "third_party": {"scheme": "se-orgnr", "value": f"16{number[:6]}-{number[6:]}"},
        "at": told["answer"]["checked_at"].lower(),
    }
    receipt = sign_compact(orjson.dumps(told), world.keys.signing_key(world.clock()), typ=RECEIPT)
    verdict = check_receipt(receipt, archive.trust.jwks or b"", checked(archive.bundle, archive.trust))
    assert (verdict.broken, verdict.outcome) == (None, Outcome.PROVED)


async def test_a_receipt_that_the_records_belie_is_refused(
    archive: Archive, world: World, owner: Organisation
) -> None:
    jwks = archive.trust.jwks or b""
    bundle = checked(archive.bundle, archive.trust)
    asked, permit = jws_payload(archive.permit), jws_payload(archive.permit)
    permit["question"] = asked["question"] | {"at": "2020-01-01T00:00:00Z"}
    forged = sign_compact(orjson.dumps(permit), world.keys.signing_key(world.clock()), typ=RECEIPT)
    assert "by the records the mandate was not_yet_valid" in str(check_receipt(forged, jwks, bundle).broken)
    for part, changes, reason in (
        ("permission", {"decision": "conditional", "code": "follow"}, "The answer permits follow"),
        ("question", {"principal": person(PAUL, None)}, "other parties"),
        ("question", {"representative": person(BERI, None)}, "other parties"),
        ("question", {"third_party": {"scheme": "se-orgnr", "value": "2120000829"}}, "other parties"),
    ):
        told = jws_payload(archive.permit)
        changed = told["question"] if part == "question" else told["answer"]["permissions"][0]
        changed |= changes
        forged = sign_compact(orjson.dumps(told), world.keys.signing_key(world.clock()), typ=RECEIPT)
        assert reason in str(check_receipt(forged, jwks, bundle).broken), changes
    await world.issue(owner, await world.publish_template(owner))
    other = (await owner.post("/v1/verifications", question(owner))).json()["receipt"]
    assert "another mandate" in str(check_receipt(other, jwks, bundle).broken)


async def test_a_batch_is_proved_by_its_root(world: World, owner: Organisation, archive: Archive) -> None:
    answer = (await owner.post("/v1/verifications/batch", {"questions": [question(owner)]})).json()
    verdict = check_receipt(answer["receipt"], archive.trust.jwks or b"")
    assert (verdict.outcome, "over a batch of 1 questions" in verdict.text) == (Outcome.PROVED, True)
    assert world.keys


def test_the_command_tells_what_it_found(archive: Archive, tmp_path: Path) -> None:
    jwks, bundle, receipt, forged = (tmp_path / name for name in ("jwks", "bundle", "receipt", "forged"))
    jwks.write_bytes(archive.trust.jwks or b"")
    bundle.write_bytes(orjson.dumps(archive.bundle, option=orjson.OPT_INDENT_2))
    receipt.write_text(archive.permit + "\n")
    forged.write_text(forge(archive.permit))
    keys = ["--jwks", str(jwks), "--key", archive.trust.verifiers[0].text]
    for arguments, code, said in (
        ([bundle, *keys], 0, "PROVED:"),
        ([bundle], 3, "IT AGREES WITH ITSELF, no more"),
        ([receipt, *keys], 0, "the registry gave this answer"),
        ([receipt, "--bundle", bundle, *keys], 0, "the answer agrees"),
        ([receipt, "--bundle", bundle, *keys[:2]], 3, "the answer agrees"),
        ([forged, *keys], 1, "REFUSED"),
        ([receipt, "--bundle", receipt, *keys], 1, "The file is not a bundle"),
        ([receipt], 2, "--jwks"),
        ([bundle, "--key", "x"], 2, "--key"),
        ([tmp_path / "nothing"], 2, "does not exist"),
    ):
        done = CliRunner().invoke(command_line("verify"), ["verify", *map(str, arguments)])
        assert (done.exit_code, said in done.output) == (code, True), done.output


def test_a_forged_receipt_is_refused(archive: Archive, world: World) -> None:
    jwks = archive.trust.jwks or b""
    other = orjson.dumps(new_key_ring(world.clock()).jwks())
    for receipt, keys in ((forge(archive.permit), jwks), (archive.permit, other), ("x", jwks), ("", jwks)):
        assert check_receipt(receipt, keys).outcome is Outcome.REFUSED
    assert check_receipt(archive.permit, b"[]").outcome is Outcome.REFUSED
    assert check_receipt(archive.bundle["record"]["sealed"], jwks).outcome is Outcome.REFUSED
