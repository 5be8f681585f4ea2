"""The building blocks of every wire model: strict, bounded, and explained when they are wrong."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer
from pydantic_core import PydanticCustomError

from registry.domain.documents import utc_text

_RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,6})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)
_DIGITS = re.compile(r"[0-9]+", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)
_FIRST, _LAST = datetime(1800, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


class WireIn(BaseModel):
    """A model that callers send: unknown members are refused, values never converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class WireOut(BaseModel):
    """A model that the registry answers with: every member is always there, also one that is null."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_serialization_defaults_required=True)


def _read_any_time(value: Any) -> datetime:  # noqa: ANN401  # whatever the JSON held
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        raise PydanticCustomError(
            "time_format",
            "Give an RFC 3339 time with offset, to the microsecond at most: 2026-11-21T09:00:00Z",
        )
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise PydanticCustomError("time_value", "This day or time does not exist") from None


def _read_time(value: Any) -> datetime:  # noqa: ANN401  # whatever the JSON held
    moment = _read_any_time(value)
    if not _FIRST <= moment < _LAST:
        raise PydanticCustomError("time_range", "Give a time between the years 1800 and 9000")
    return moment


def _read_uuid(value: Any) -> UUID:  # noqa: ANN401  # whatever the JSON held
    if isinstance(value, UUID):
        return value
    if not isinstance(value, str) or not _UUID.fullmatch(value):
        raise PydanticCustomError("uuid_format", "Give a UUID in lower case with hyphens")
    return UUID(value)


def _no_controls(value: str) -> str:
    if not value.isprintable() and any(not char.isprintable() and char not in "\n\t" for char in value):
        raise PydanticCustomError(
            "control_characters", "Leave out control, format and unassigned characters, and unusual spaces"
        )
    return value


def _read_digits(value: Any) -> Any:  # noqa: ANN401  # whatever stood in the address
    if isinstance(value, str) and not _DIGITS.fullmatch(value):
        raise PydanticCustomError("digits", "Give a whole number in the digits 0 to 9")
    return value


_TIME_SCHEMA: dict[str, Any] = {
    "type": "string",
    "format": "date-time",
    "pattern": f"^{_RFC3339.pattern}$",
    "examples": ["2026-11-21T09:00:00Z"],
}
_AS_UTC = PlainSerializer(utc_text, return_type=str)

UtcTime = Annotated[datetime, BeforeValidator(_read_time), _AS_UTC, Field(json_schema_extra=_TIME_SCHEMA)]
"""RFC 3339 in, in any zone; UTC with `Z` out."""

EndTime = Annotated[datetime, BeforeValidator(_read_any_time), _AS_UTC, Field(json_schema_extra=_TIME_SCHEMA)]
"""A time out that was reckoned from one that came in: it may lie beyond what is taken in."""

Id = Annotated[
    UUID,
    BeforeValidator(_read_uuid),
    Field(json_schema_extra={"pattern": f"^{_UUID.pattern}$"}),
]

Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$")]
"""A code or stable UID: ASCII letters, digits and `._:-`."""

Digest = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$",
        description="SHA-256 of the content, in base64url without padding",
        examples=["47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"],
    ),
]

ShortText = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(_no_controls)]
LongText = Annotated[str, Field(min_length=1, max_length=4000), AfterValidator(_no_controls)]
Words = Annotated[str, AfterValidator(_no_controls)]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", examples=["sv"])]
MemberName = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_no_controls)]
InDigits = BeforeValidator(_read_digits)
"""For whole numbers in a path or a query, where pydantic by itself would take `5.0` and ` 5`, too.

Stands behind the bounds: those in front of it are in the contract, those behind it are not.
"""

Count = Annotated[int, Field(strict=True, ge=0, le=100_000)]
Positive = Annotated[int, Field(strict=True, ge=1, le=100_000)]
Flag = Annotated[bool, Field(strict=True)]
