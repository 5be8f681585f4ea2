"""Who looked at somebody, on the wire."""

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import Field

from registry.api.models.fields import Id, ShortText, UtcTime, WireIn, WireOut
from registry.api.models.parties import PartyIn, PartyOut
from registry.api.personal_numbers import names_person
from registry.domain.errors import Fault, InvalidInputError, InvalidPartyIdError
from registry.domain.parties import Party, PartyType
from registry.domain.questions import Decision, Reason
from registry.domain.template import Role
from registry.identity.schemes import parse_party
from registry.operations.search_access_log import AccessSearch, FoundAccess
from registry.signing.encodings import decode_base64url, encode_base64url
from registry.storage.access_log_search import LogPlace, read_place, write_place

WITHHELD = "(not shown: it names a person)"


class OwnAccessIn(WireIn):
    """How much of the person's own part of the access log to show."""

    limit: Annotated[int, Field(strict=True, ge=1, le=100)] = 20
    cursor: Annotated[str | None, Field(max_length=100)] = None

    def to_search(self, person: Party) -> AccessSearch:
        """The search in the operations' terms. Raises InvalidInputError for a cursor that is none."""
        return AccessSearch(person, None, _read_cursor(self.cursor), self.limit)


class AccessSearchIn(WireIn):
    """Whose look-ups are audited, and for which purpose."""

    party: PartyIn
    purpose: ShortText
    limit: Annotated[int, Field(strict=True, ge=1, le=100)] = 20
    cursor: Annotated[str | None, Field(max_length=100)] = None

    def to_search(self) -> AccessSearch:
        """The search in the operations' terms. Raises InvalidInputError for a cursor that is none."""
        return AccessSearch(self.party.party, self.purpose, _read_cursor(self.cursor), self.limit)


class AccessOut(WireOut):
    """One look-up: who made it and when, what was done for which purpose, and what was answered.

    Other persons are not named: of what was found, only the mandates that the person itself has a part in.
    """

    id: Id
    at: UtcTime
    organisation: PartyOut
    client_id: Annotated[str, Field(examples=["demo-platform"])]
    operation: Annotated[str, Field(examples=["verification", "mandate_search"])]
    role: Annotated[
        Role | None, Field(description="As what the look-up named the person; null where it was only shown")
    ]
    third_party: Annotated[PartyOut | None, Field(description="Towards whom, where the question said so")]
    purpose: str | None
    permissions: list[str]
    decision: Decision | None
    reasons: list[Reason]
    mandate_ids: list[Id]

    @classmethod
    def of(cls, found: FoundAccess) -> Self:
        """Show a look-up. What was asked in free text is left out where a person's number stands in it."""
        access, details = found.access, found.access.details
        asked, answer = details.get("question", details), details.get("answer", {})
        purpose = asked.get("purpose")
        return cls(
            id=access.id,
            at=access.at,
            organisation=PartyOut.of_party(access.organisation),
            client_id=access.client_id,
            operation=access.operation,
            role=access.role,
            third_party=_organisation(asked.get("third_party")),
            purpose=WITHHELD if purpose is not None and names_person(purpose) else purpose,
            permissions=list(asked.get("permissions", ())),
            decision=None if access.decision is None else Decision(access.decision),
            reasons=[Reason(reason) for reason in answer.get("reasons", ())],
            mandate_ids=list(found.mandate_ids),
        )


class AccessList(WireOut):
    """One page of look-ups, newest first; `next` is the cursor of the next page, null at the end."""

    items: list[AccessOut]
    next: str | None

    @classmethod
    def of(cls, found: Sequence[FoundAccess], limit: int) -> Self:
        """Show a page that may hold up to `limit`."""
        last = found[-1].access if len(found) == limit else None
        cursor = None if last is None else encode_base64url(write_place(LogPlace(last.at, last.id)))
        return cls(items=[AccessOut.of(item) for item in found], next=cursor)


def _organisation(party: dict[str, str] | None) -> PartyOut | None:
    try:
        found = None if party is None else parse_party(party["scheme"], party["value"])
    except InvalidPartyIdError:
        return None
    return PartyOut.of_party(found) if found and found.type is PartyType.ORGANISATION else None


def _read_cursor(cursor: str | None) -> LogPlace | None:
    if cursor is None:
        return None
    try:
        return read_place(decode_base64url(cursor))
    except ValueError:
        fault = Fault("/cursor", "cursor", "Send `next` of the page before, as you got it.")
        raise InvalidInputError((fault,)) from None
