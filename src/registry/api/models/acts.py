"""Acts on a mandate and what happened to it, on the wire."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from registry.api.models.fields import Code, Id, LongText, ShortText, UtcTime, WireIn, WireOut
from registry.api.models.parties import PartyIn, PartyOut
from registry.api.personal_numbers import names_person
from registry.domain.events import EventType, MandateEvent
from registry.domain.template import Role
from registry.operations.act_on_mandate import Registrar
from registry.operations.end_mandate import EndedMandate


class RegistrarIn(WireIn):
    """The employee who acts for somebody (scheme `username`), and what the employee states."""

    employee: PartyIn
    statement: LongText

    def to_registrar(self) -> Registrar:
        """The registrar in the operations' terms."""
        return Registrar(self.employee.party, self.statement)


class ActEvidenceIn(WireIn):
    """A person's signature over the act's bytes, as its preview gives them, by an e-ID.

    `jws`: a compact JWS (`mandate-signature+jwt`). `xmldsig`: BankID's completion data as JSON text.
    """

    format: Literal["jws", "xmldsig"] = "jws"
    data: Annotated[str, Field(min_length=1, max_length=200_000)]


class ActSignatureIn(WireIn):
    """A party's signature over an act: proves the person as an `Id-Token` does."""

    evidence: ActEvidenceIn


class RevocationIn(WireIn):
    """Who ends the mandate and why. Third party and registrar must say why."""

    by: Role
    reason: ShortText | None = None
    signature: ActSignatureIn | None = None
    registrar: RegistrarIn | None = None


class ActPreviewOut(WireOut):
    """What a party signs to act: base64url of the RFC 8785 bytes, and their SHA-256."""

    to_be_signed: str
    digest: str


class SuspensionIn(WireIn):
    """Why the mandate is suspended, or resumed."""

    reason: ShortText


def _names_nobody(text: str) -> str:
    if names_person(text):
        message = "Refer to the case by a reference of its own: a personal number never belongs in one"
        raise PydanticCustomError("personal_identifier", message)
    return text


class UseIn(WireIn):
    """Which permission is used in which case, and by which representative."""

    permission: Code
    case_ref: Annotated[
        ShortText,
        AfterValidator(_names_nobody),
        Field(description="Told in events for as long as the use is open: never a personal number"),
    ]
    by: PartyIn


class AuthorOut(WireOut):
    """Who acted: in which role, which party; for a registrar the employee and the statement."""

    role: Role
    party: PartyOut
    employee: PartyOut | None
    statement: str | None


class EventOut(WireOut):
    """One thing that happened, with its exact sealed bytes (a compact JWS)."""

    id: Id
    number: Annotated[int, Field(description="0 is the issue; its sealed bytes are the mandate's record")]
    type: EventType
    at: UtcTime
    recorded_at: UtcTime
    by: AuthorOut | None
    reason: str | None
    details: dict[str, Any]
    registered_by: str
    sealed: str

    @classmethod
    def of(cls, event: MandateEvent, sealed: bytes) -> Self:
        """Show an event."""
        author = event.author
        return cls(
            id=event.id,
            number=event.number,
            type=event.type,
            at=event.at,
            recorded_at=event.recorded_at,
            by=AuthorOut(
                role=author.role,
                party=PartyOut.of_party(author.party),
                employee=None if author.employee is None else PartyOut.of_party(author.employee),
                statement=author.statement,
            ),
            reason=event.reason,
            details=dict(event.details),
            registered_by=event.registered_by,
            sealed=sealed.decode(),
        )


class EventList(WireOut):
    """Everything that happened, oldest first."""

    items: list[EventOut]


class ActOut(WireOut):
    """An act that was recorded; a verification that begins after this answer counts it."""

    event_id: Id
    mandate_id: Id
    type: EventType
    at: UtcTime
    by: Role
    reason: str | None
    consistency_token: str

    @classmethod
    def of(cls, event: MandateEvent, consistency_token: str) -> Self:
        """Show an act."""
        return cls(
            event_id=event.id,
            mandate_id=event.mandate_id,
            type=event.type,
            at=event.at,
            by=event.author.role,
            reason=event.reason,
            consistency_token=consistency_token,
        )


class RevocationOut(ActOut):
    """A revocation or renunciation, and what ended with it."""

    also_ended: Annotated[list[Id], Field(description="The sub-mandates below it, in the order of issue")]

    @classmethod
    def of_ended(cls, ended: EndedMandate, consistency_token: str) -> Self:
        """Show what was ended."""
        shown = ActOut.of(ended.event, consistency_token).model_dump()
        return cls.model_validate(shown | {"also_ended": ended.also_ended})


class UseOut(WireOut):
    """A recorded use; `remaining` is null where there is no limit, 0 when this use was the last."""

    id: Id
    mandate_id: Id
    at: UtcTime
    remaining: int | None
    consistency_token: str
