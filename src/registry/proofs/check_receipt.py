"""Checking a receipt: that the registry gave this answer to this question, and whether records agree."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from registry.domain.documents import utc_text, utc_time
from registry.domain.events import Status, status_at
from registry.domain.parties import Party, Scheme
from registry.proofs.check_bundle import CheckedBundle
from registry.proofs.seals import PublicKeys, SealRefusedError, read_public_keys
from registry.proofs.verdict import Verdict
from registry.signing.encodings import parse_json_object
from registry.signing.jose import InvalidTokenError, parse_compact
from registry.signing.records import SealType

_TYPES = (SealType.RECEIPT, SealType.BATCH_RECEIPT)
_DIGITS = 10
_READING = (KeyError, TypeError, ValueError, AttributeError)


def check_receipt(receipt: str, jwks: bytes, bundle: CheckedBundle | None = None) -> Verdict:
    """Check a receipt's seal by a key set; with a checked bundle, its answer by what that proves, too."""
    verdict = Verdict("Receipt of a verification")
    try:
        members: Any = parse_json_object(jwks)["keys"]
        document = _open(receipt, read_public_keys(members), verdict)
    except SealRefusedError as error:
        verdict.broken = f"The receipt: {error}"
    except _READING:
        verdict.broken = "The key set, or the receipt, cannot be read"
    else:
        _explain(document, verdict)
        if bundle is not None and "answer" in document:
            _match(document, bundle, verdict)
    return verdict


def _open(receipt: str, keys: PublicKeys, verdict: Verdict) -> Mapping[str, Any]:
    try:
        kind = next((item for item in _TYPES if item.value == parse_compact(receipt).typ), SealType.RECEIPT)
    except InvalidTokenError as error:
        raise SealRefusedError(str(error)) from error
    document, kid = keys.open(receipt, kind)
    given_at = datetime.fromtimestamp(document["iat"], UTC)
    keys.require_in_use(kid, given_at)
    verdict.held.append(f"It is sealed by the registry's key {kid}, {utc_text(given_at)}")
    return document


def _explain(document: Mapping[str, Any], verdict: Verdict) -> None:
    verdict.says += [f"given by {document['iss']}, entry {document['jti']} of its access log"]
    if "answer" in document:
        answer, question = document["answer"], document["question"]
        verdict.says += [f"decision: {answer['decision']}, checked {answer['checked_at']}"]
        verdict.says += [f"purpose: {question.get('purpose', 'none given')}"]
        verdict.says += [
            f"{item['code']}: {item['decision']} {' '.join(item['reasons'])}".rstrip()
            + (f", by mandate {item['mandate_id']}" if item.get("mandate_id") else "")
            for item in answer["permissions"]
        ]
        verdict.proves.append("the registry gave this answer to this question, then")
    else:
        verdict.says += [f"over a batch of {document['size']} questions"]
        verdict.proves.append("the registry gave the batch of answers whose root is in the receipt")
        verdict.open.append("any single answer: its question, answer and `receipt_path` lead to the root")
    verdict.open += [
        "that the answer still holds: it was given for its time",
        "that it was right: an evidence bundle of the mandate it names shows what was on record (--bundle)",
    ]


def _match(document: Mapping[str, Any], bundle: CheckedBundle, verdict: Verdict) -> None:
    """Derive the mandate's standing from its records, as known when it was asked, and compare.

    A refusal names no mandate: whether it is about this one, the records do not tell.
    """
    question, answer = document["question"], document["answer"]
    named = {item["mandate_id"] for item in answer["permissions"] if item.get("mandate_id")}
    if not named:
        verdict.open[-1] = "that it was right: it permits nothing, and a refusal names no mandate to compare"
        return
    content = bundle.mandate.content
    if str(bundle.mandate.id) not in named:
        verdict.broken = "The answer names another mandate than the bundle's"
        return
    representatives = {named.party for named in content.representatives}
    if not (
        _names(question["principal"], {content.principal.party})
        and _names(question["representative"], representatives)
        and _names(question["third_party"], {content.third_party.party})
    ):
        verdict.broken = "The question is about other parties than those of the mandate that the answer names"
        return
    checked_at = utc_time(answer["checked_at"])
    at = _time_asked(question.get("at"), checked_at)
    known_at = _time_asked(question.get("known_at"), checked_at)
    standing = status_at(bundle.lifetime, at, known_at=known_at)
    said = "not known" if standing is None else standing.value
    for item in answer["permissions"]:
        is_granted = item["code"] in bundle.mandate.content.permissions
        is_own = item.get("mandate_id") == str(bundle.mandate.id)
        # What is permitted under a condition rests on a mandate in force, too.
        if is_own and item["decision"] != "deny" and not (is_granted and standing is Status.ACTIVE):
            lacks = f"the mandate was {said}" if is_granted else "the mandate does not grant it"
            verdict.broken = f"The answer permits {item['code']}; by the records {lacks}"
            return
    verdict.held.append(f"By the records in the bundle the mandate was {said} then: the answer agrees")
    verdict.proves.append("the answer agrees with what was on record about its mandate, as known then")
    verdict.open[-1] = "what else it rests on: restrictions, approvals, mandates above it, ages, specifiers"
    verdict.open.append("that the bundle has every event of until then: one that is left out is not compared")


def _names(asked: Mapping[str, Any], parties: set[Party]) -> bool:
    """Whether a question names one of these parties; it holds the identifier as the caller wrote it."""
    written = _bare(asked["scheme"], asked["value"])
    return any(
        (asked["scheme"], written) == (item.scheme, _bare(item.scheme, item.value)) for item in parties
    )


def _bare(scheme: str, value: str) -> str:
    """An identifier without what a caller may add: hyphens, spaces, small letters, a leading 16."""
    if scheme == Scheme.EIDAS:
        return value
    bare = value.replace("-", "").replace(" ", "").upper()
    return bare[-_DIGITS:] if scheme == Scheme.SE_ORGNR else bare


def _time_asked(text: str | None, otherwise: datetime) -> datetime:
    """A time of a question, as the caller wrote it: RFC 3339 takes small letters."""
    return utc_time(text.upper()) if text else otherwise
