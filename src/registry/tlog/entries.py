"""What the log holds of each record: which it is, and a salted commitment to its bytes. Nothing personal."""

import base64
import json
import re
from dataclasses import dataclass
from uuid import UUID

PUBLIC_SALT = bytes(32)
"""The salt of records that are published as they are: those of templates."""

MANDATE, TEMPLATE, RETIREMENT = "mandate", "template", "retirement"
"""Kinds of subjects. Requests, restrictions and approvals are named as in their sealed entries."""

_COMMITMENT_BYTES = 32
_KIND = re.compile(r"[a-z_]{1,32}")


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One record: number 0 of a mandate is the record of its issue, those after it are its events.

    Of a template the number is the version that was published. `commitment` is
    SHA-256(0x01, salt, sealed bytes).
    """

    kind: str
    subject_id: UUID
    number: int
    commitment: bytes

    def to_bytes(self) -> bytes:
        """The entry as it is hashed and published: RFC 8785 canonical JSON, in ASCII."""
        commitment = base64.urlsafe_b64encode(self.commitment).rstrip(b"=").decode("ascii")
        document = {
            "commitment": commitment,
            "id": str(self.subject_id),
            "kind": self.kind,
            "number": self.number,
        }
        return json.dumps(document, sort_keys=True, separators=(",", ":")).encode("ascii")


def read_log_entry(data: bytes) -> LogEntry:
    """Read an entry. Raises ValueError for anything but the one form in which `LogEntry` writes it."""
    try:
        document = json.loads(data)
        text = document["commitment"]
        entry = LogEntry(
            kind=document["kind"],
            subject_id=UUID(document["id"]),
            number=document["number"],
            commitment=base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)),
        )
        is_entry = len(entry.commitment) == _COMMITMENT_BYTES and _KIND.fullmatch(entry.kind) is not None
        if is_entry and type(entry.number) is int and entry.to_bytes() == data:
            return entry
    except (KeyError, TypeError, ValueError, AttributeError):
        pass
    raise ValueError("not an entry of the log")
