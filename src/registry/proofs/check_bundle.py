"""Checking an evidence bundle, step by step, from its bytes and from keys alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from registry.domain.documents import utc_text
from registry.domain.events import Change, Lifetime, MandateEvent, read_event, status_at
from registry.domain.mandate import Mandate, read_record
from registry.domain.template import read_content, text_document
from registry.proofs.bundle import Bundle, LoggedRecord
from registry.proofs.seals import PublicKeys, SealRefusedError, read_public_keys
from registry.proofs.verdict import Trust, Verdict
from registry.signing.canonical import base64url_digest, canonical_bytes
from registry.signing.encodings import parse_json_object
from registry.signing.encryption import commitment
from registry.signing.records import SealType
from registry.tlog.checkpoints import Checkpoint
from registry.tlog.entries import MANDATE, TEMPLATE, LogEntry
from registry.tlog.inclusion import ProofError, check_proof, parse_proof
from registry.tlog.notes import COSIGNATURE, NoteError, VerifierKey, parse_verifier_key

_READING = (KeyError, TypeError, ValueError, AttributeError)


class _BrokenError(Exception):
    """A step does not hold; the message says which and why."""


@dataclass(frozen=True, slots=True)
class CheckedBundle:
    """What a bundle proves: the mandate and its events, as far as they were sealed and logged."""

    mandate: Mandate
    events: tuple[MandateEvent, ...]

    @property
    def lifetime(self) -> Lifetime:
        """All that the mandate's status follows from, but for mandates above it."""
        content = self.mandate.content
        changes = tuple(Change(event.type, event.at, event.recorded_at) for event in self.events)
        return Lifetime(content.valid_from, content.valid_until, self.mandate.issued_at, changes)


def check_bundle(bundle: Bundle, trust: Trust) -> tuple[Verdict, CheckedBundle | None]:
    """Check a bundle; what was proved comes beside the verdict unless that is a refusal."""
    verdict = Verdict(f"Evidence bundle of mandate {bundle.mandate_id}, made {utc_text(bundle.made_at)}")
    verdict.is_pinned = trust.jwks is not None and any(key.kind != COSIGNATURE for key in trust.verifiers)
    try:
        checked = _check(bundle, trust, verdict)
    except (_BrokenError, SealRefusedError) as error:
        verdict.broken = str(error)
        return verdict, None
    verdict.says += _says(checked, bundle.made_at)
    verdict.open += [
        "that these are all its events: the last ones can be left out, a revocation too; ask the registry",
        "that the signatures' evidence is genuine: check it by the keys of the e-ID or the employee it names",
        "what the record calls by id alone: a parent, a mandate that it supersedes, a request",
    ]
    return verdict, checked


def _check(bundle: Bundle, trust: Trust, verdict: Verdict) -> CheckedBundle:
    keys = _public_keys(bundle, trust, verdict)
    mandate = _check_record(bundle, keys)
    verdict.held.append(f"The record is sealed by the registry, {utc_text(mandate.issued_at)}")
    _check_evidence(bundle, mandate)
    verdict.held.append(f"The evidence of each signature ({len(bundle.evidence)}) is what the record names")
    _check_template(bundle, mandate, keys)
    verdict.held.append(
        f"The text that was signed is that of version {bundle.template.number} of its template"
    )
    events = _check_events(bundle, keys)
    verdict.held.append(f"Every event after it ({len(events)}) is sealed, each upon the one before")
    verdict.proves += [
        "the registry recorded this mandate and these events, and no bit of them has changed since",
        "whom the record names signed this text, in the capacity it names, as far as the evidence is genuine",
    ]
    _check_log(bundle, trust, verdict)
    return CheckedBundle(mandate, events)


def _public_keys(bundle: Bundle, trust: Trust, verdict: Verdict) -> PublicKeys:
    if trust.jwks is None:
        verdict.open.append("that the keys are the registry's: they are the bundle's own (give --jwks)")
        return read_public_keys(bundle.keys)
    try:
        members: Any = parse_json_object(trust.jwks)["keys"]
        return read_public_keys(members)
    except _READING as error:
        raise _BrokenError("The key set that you gave cannot be read") from error


def _check_record(bundle: Bundle, keys: PublicKeys) -> Mandate:
    document = _open(bundle.record, keys, SealType.MANDATE, "The record", "issued_at")
    try:
        mandate = read_record(document)
        digest = base64url_digest(canonical_bytes(document["content"]))
    except _READING as error:
        raise _BrokenError("The record cannot be read") from error
    if mandate.id != bundle.mandate_id or bundle.record.number != 0:
        raise _BrokenError("The record is of another mandate")
    if mandate.content_digest != digest:
        raise _BrokenError("The record's content is not what was signed")
    return mandate


def _check_evidence(bundle: Bundle, mandate: Mandate) -> None:
    named = [signature.evidence_digest for signature in mandate.signatures]
    if [base64url_digest(evidence.encode()) for evidence in bundle.evidence] != named:
        raise _BrokenError("The evidence of the signatures is not what the record names")


def _check_template(bundle: Bundle, mandate: Mandate, keys: PublicKeys) -> None:
    document = _open(bundle.template, keys, SealType.TEMPLATE, "The template", "published_at")
    content = mandate.content
    named = (document.get("template_id"), document.get("version"))
    pinned = (str(content.template_id), content.template_version)
    if named != pinned or pinned != (str(bundle.template_id), bundle.template.number):
        raise _BrokenError("The template is another than the one the record names")
    try:
        text = canonical_bytes(text_document(read_content(document["content"]), content.language))
    except _READING as error:
        raise _BrokenError("The template cannot be read") from error
    if base64url_digest(text) != content.text_digest:
        raise _BrokenError("The template's text is not the one that was signed")


def _check_events(bundle: Bundle, keys: PublicKeys) -> tuple[MandateEvent, ...]:
    events, previous = [], bundle.record
    for logged in bundle.events:
        what = f"Event {logged.number}"
        document = _open(logged, keys, SealType.EVENT, what, "recorded_at")
        try:
            event = read_event(document)
        except _READING as error:
            raise _BrokenError(f"{what} cannot be read") from error
        if (event.mandate_id, event.number) != (bundle.mandate_id, logged.number):
            raise _BrokenError(f"{what} is of another mandate, or has another number")
        if logged.number != previous.number + 1 or event.previous != base64url_digest(
            previous.sealed.encode()
        ):
            raise _BrokenError(f"{what} does not follow upon what stands before it")
        events.append(event)
        previous = logged
    return tuple(events)


def _open(
    logged: LoggedRecord, keys: PublicKeys, seal_type: SealType, what: str, dated: str
) -> Mapping[str, Any]:
    try:
        document, kid = keys.open(logged.sealed, seal_type)
        keys.require_in_use(kid, datetime.fromisoformat(str(document.get(dated))))
    except SealRefusedError as error:
        raise _BrokenError(f"{what}: {error}") from error
    except (TypeError, ValueError) as error:
        raise _BrokenError(f"{what} does not say when it was sealed") from error
    return document


def _check_log(bundle: Bundle, trust: Trust, verdict: Verdict) -> None:
    is_pinned = any(key.kind != COSIGNATURE for key in trust.verifiers)
    try:
        keys = list(trust.verifiers)
        brought = [] if is_pinned else [parse_verifier_key(text) for text in bundle.log_keys]
        # A witness is one whose key was given: anybody can make a key under its name.
        keys += [key for key in brought if key.kind != COSIGNATURE]
    except NoteError as error:
        raise _BrokenError(f"A verifier key of the log cannot be read: {error}") from error
    places = [("The record", MANDATE, bundle.mandate_id, bundle.record)]
    places += [(f"Event {item.number}", MANDATE, bundle.mandate_id, item) for item in bundle.events]
    places.append(("The template", TEMPLATE, bundle.template_id, bundle.template))
    found = []
    for what, kind, subject_id, logged in places:
        entry = LogEntry(kind, subject_id, logged.number, commitment(logged.salt, logged.sealed.encode()))
        found.append(_check_leaf(what, entry, logged, bundle, keys))
    checkpoint, signed_by = found[0]
    verdict.held.append(f"All are in the log {checkpoint.origin}, of {checkpoint.size:,} entries by then")
    verdict.proves.append(f"the log {checkpoint.origin} holds all of them, and cannot lose them unnoticed")
    witnesses = sorted(key.name for key in signed_by if key.kind == COSIGNATURE)
    if witnesses:
        verdict.proves.append(f"this is the log that {', '.join(witnesses)} saw, too")
    else:
        verdict.open.append(
            "that the log shows the same to everybody: no witness whose key you gave signed it"
        )
    if not is_pinned:
        verdict.open.append("that the log is the registry's: its keys are the bundle's own (give --key)")


def _check_leaf(
    what: str, entry: LogEntry, logged: LoggedRecord, bundle: Bundle, keys: list[VerifierKey]
) -> tuple[Checkpoint, list[VerifierKey]]:
    try:
        proof = parse_proof(logged.proof)
        if proof.note != bundle.checkpoint:
            raise _BrokenError(f"{what} is proved by another checkpoint than the bundle's")
        return check_proof(proof, entry.to_bytes(), keys)
    except (ProofError, NoteError) as error:
        raise _BrokenError(f"{what} is not proved to be in the log: {error}") from error


def _says(checked: CheckedBundle, at: datetime) -> list[str]:
    content = checked.mandate.content
    status = status_at(checked.lifetime, at)
    standing = "unknown" if status is None else status.value
    until = "open-ended" if content.valid_until is None else f"until {utc_text(content.valid_until)}"
    holders = ", ".join(_name(named.name, str(named.party)) for named in content.representatives)
    return [
        f"{_name(content.principal.name, str(content.principal.party))} grants {content.kind.value}",
        f"to {holders}",
        f"towards {_name(content.third_party.name, str(content.third_party.party))}:",
        f"permissions {', '.join(content.permissions)}; from {utc_text(content.valid_from)}, {until}",
        f"by this record and these events, {utc_text(at)} (by the bundle's own word): {standing}",
    ]


def _name(name: str | None, party: str) -> str:
    return party if name is None else f"{name} ({party})"
