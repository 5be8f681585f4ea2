"""JSON documents as the domain sees them: plain values, times in one text form.

Canonical bytes (RFC 8785) are made of these by `registry.signing.canonical`; no float is ever in one.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypeAlias

from registry.domain.parties import NamedParty, Party, Scheme

Json: TypeAlias = "Mapping[str, Json] | list[Json] | tuple[Json, ...] | str | int | bool | None"
Document: TypeAlias = Mapping[str, Json]


def utc_text(moment: datetime) -> str:
    """Write an aware time as RFC 3339 UTC with `Z`; microseconds only where there are any."""
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return utc.isoformat().removesuffix("+00:00") + "Z"


def utc_time(text: str) -> datetime:
    """Read what `utc_text` wrote. Raises ValueError for anything that is no UTC time of years 1 to 9999."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        msg = "a time needs an offset"
        raise ValueError(msg)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        msg = "a time lies within the years 1 to 9999 in UTC"
        raise ValueError(msg) from None


def party_document(party: Party) -> dict[str, Json]:
    """Show a party without a name."""
    return {"scheme": party.scheme.value, "value": party.value}


def named_party_document(named: NamedParty) -> dict[str, Json]:
    """Show a party with its name; the member is absent where no name was given."""
    document = party_document(named.party)
    if named.name is not None:
        document["name"] = named.name
    return document


def read_party(document: Mapping[str, object]) -> Party:
    """Read a party that this registry wrote itself: the value is already canonical."""
    return Party(Scheme(str(document["scheme"])), str(document["value"]))


def read_named_party(document: Mapping[str, object]) -> NamedParty:
    """Read a named party that this registry wrote itself."""
    name = document.get("name")
    return NamedParty(read_party(document), None if name is None else str(name))
