"""The evidence bundle: all that proves one mandate, in one JSON document to archive and check offline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from registry.domain.documents import Json, utc_text, utc_time
from registry.signing.encodings import decode_base64url, encode_base64url, parse_json_object
from registry.tlog.entries import PUBLIC_SALT

SCHEMA = "evidence-bundle/1"

_MALFORMED = (KeyError, TypeError, ValueError, AttributeError)


class BundleError(ValueError):
    """The file is no evidence bundle that this version reads."""


@dataclass(frozen=True, slots=True)
class LoggedRecord:
    """Sealed bytes, the salt of the commitment to them, and the proof that this is in the log.

    `number` is that of its log entry: 0 the mandate itself, from 1 its events, of a template its version.
    """

    number: int
    sealed: str
    salt: bytes
    proof: str


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle as it was made, nothing of it verified.

    `evidence` is what proves each of the mandate's signatures, as received. `keys` are the public keys (JWKs)
    whose seals stand in it, `log_keys` the verifier keys of the log.
    """

    mandate_id: UUID
    made_at: datetime
    record: LoggedRecord
    events: tuple[LoggedRecord, ...]
    evidence: tuple[str, ...]
    template_id: UUID
    template: LoggedRecord
    keys: Sequence[Mapping[str, Json]]
    log_keys: tuple[str, ...]
    checkpoint: str


def bundle_document(bundle: Bundle) -> dict[str, Json]:
    """The bundle as the document that is archived."""
    return {
        "schema": SCHEMA,
        "mandate_id": str(bundle.mandate_id),
        "made_at": utc_text(bundle.made_at),
        "record": _logged_document(bundle.record),
        "events": [_logged_document(event) for event in bundle.events],
        "signatures": [{"evidence": evidence} for evidence in bundle.evidence],
        "template": {
            "id": str(bundle.template_id),
            "version": bundle.template.number,
            "sealed": bundle.template.sealed,
            "proof": bundle.template.proof,
        },
        "keys": list(bundle.keys),
        "log_keys": list(bundle.log_keys),
        "checkpoint": bundle.checkpoint,
    }


def read_bundle(data: bytes) -> Bundle:
    """Read what `bundle_document` made. Raises BundleError."""
    try:
        document: Mapping[str, Any] = parse_json_object(data)
    except ValueError as error:
        raise BundleError(f"it is not a JSON object: {error}") from error
    if document.get("schema") != SCHEMA:
        raise BundleError(f"its `schema` is not `{SCHEMA}`")
    try:
        template = document["template"]
        return Bundle(
            mandate_id=UUID(document["mandate_id"]),
            made_at=utc_time(document["made_at"]),
            record=_read_logged(document["record"]),
            events=tuple(map(_read_logged, document["events"])),
            evidence=tuple(_text(item["evidence"]) for item in document["signatures"]),
            template_id=UUID(template["id"]),
            template=LoggedRecord(
                _number(template["version"]), _text(template["sealed"]), PUBLIC_SALT, _text(template["proof"])
            ),
            keys=document["keys"],
            log_keys=tuple(map(_text, document["log_keys"])),
            checkpoint=_text(document["checkpoint"]),
        )
    except _MALFORMED as error:
        raise BundleError("a member is missing, or not of its form") from error


def _logged_document(logged: LoggedRecord) -> dict[str, Json]:
    return {
        "number": logged.number,
        "sealed": logged.sealed,
        "salt": encode_base64url(logged.salt),
        "proof": logged.proof,
    }


def _read_logged(document: Mapping[str, Any]) -> LoggedRecord:
    return LoggedRecord(
        _number(document["number"]),
        _text(document["sealed"]),
        _salt(document["salt"]),
        _text(document["proof"]),
    )


def _salt(value: str) -> bytes:
    salt = decode_base64url(value)
    if len(salt) != len(PUBLIC_SALT):
        raise ValueError("a salt has 32 bytes: what comes after it is the record")
    return salt


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a text")
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("a whole number")
    return value
