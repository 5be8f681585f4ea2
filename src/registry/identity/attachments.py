"""Scans of paper originals: evidence of the format `attachment`.

`data` is JSON: `{"media_type", "sha256" (hexadecimal), "content" (base64), "statement", "name"?,
"metadata"?}`. A scan proves nothing by itself: an employee attests it, in the words of `statement`.
"""

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from registry.identity.evidence_errors import EvidenceError
from registry.signing.encodings import parse_json_object

MEDIA_TYPES: Final[Mapping[str, tuple[bytes, ...]]] = {
    "application/pdf": (b"%PDF-",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/tiff": (b"II*\x00", b"MM\x00*"),
}
"""What is taken, and how such files begin."""

_REQUIRED: Final = frozenset({"media_type", "sha256", "content", "statement"})
_MEMBERS: Final = _REQUIRED | {"name", "metadata"}
_MAX_STATEMENT: Final = 4000
_MAX_TEXT: Final = 300
_MAX_METADATA: Final = 50


@dataclass(frozen=True, slots=True)
class Attachment:
    """A scan with what was stated of it. `metadata` is the employee's own, such as an expiry on the paper."""

    media_type: str
    content: bytes
    statement: str
    name: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


def read_attachment(data: str) -> Attachment:
    """Read a scan and check that it is what it says: media type, first bytes, and digest of the content.

    Raises EvidenceError: `malformed`, `media_type`, `digest`, or `missing` where the employee states nothing.
    Its size is bounded by that of the request.
    """
    try:
        members = parse_json_object(data.encode("utf-8"))
    except ValueError as error:
        raise _malformed("Send the attachment as a JSON object.") from error
    if not _REQUIRED <= members.keys() <= _MEMBERS:
        raise _malformed(
            f"It has {', '.join(f'`{name}`' for name in sorted(_REQUIRED))}, and no other but "
            "`name` and `metadata`."
        )
    statement = _text(members["statement"], "statement", _MAX_STATEMENT)
    if not statement.strip():
        raise EvidenceError("missing", "State what was seen, in the employee's words, in `statement`.")
    name = members.get("name")
    return Attachment(
        media_type=_media_type(members["media_type"]),
        content=_content(members),
        statement=statement,
        name=None if name is None else _text(name, "name", _MAX_TEXT),
        metadata=_metadata(members.get("metadata", {})),
    )


def _media_type(value: object) -> str:
    if not isinstance(value, str) or value not in MEDIA_TYPES:
        raise EvidenceError("media_type", f"`media_type` must be one of: {', '.join(MEDIA_TYPES)}.")
    return value


def _content(members: Mapping[str, object]) -> bytes:
    try:
        content = b64decode(_text(members["content"], "content", None), validate=True)
    except ValueError as error:
        raise _malformed("`content` must be base64 with padding.") from error
    if not content.startswith(MEDIA_TYPES[_media_type(members["media_type"])]):
        raise EvidenceError("media_type", "The content does not begin as a file of this media type does.")
    if members["sha256"] != sha256(content).hexdigest():
        raise EvidenceError("digest", "`sha256` must be the content's, in lower-case hexadecimal.")
    return content


def _metadata(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or len(value) > _MAX_METADATA:
        raise _malformed(f"`metadata` must be an object of at most {_MAX_METADATA} members.")
    return {
        _text(name, "metadata", _MAX_TEXT): _text(text, "metadata", _MAX_TEXT) for name, text in value.items()
    }


def _text(value: object, member: str, longest: int | None) -> str:
    if not isinstance(value, str) or (longest is not None and len(value) > longest):
        bound = "" if longest is None else f" of at most {longest} characters"
        raise _malformed(f"`{member}` must be text{bound}.")
    if any(not char.isprintable() and char not in "\n\t" for char in (value if longest else "")):
        raise _malformed(f"Leave control characters out of `{member}`.")
    return value


def _malformed(message: str) -> EvidenceError:
    return EvidenceError("malformed", message)
