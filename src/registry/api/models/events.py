"""The event feed on the wire. The body of a webhook holds one of these events as `data`."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from registry.api.models.fields import EndTime, Id, UtcTime, WireOut
from registry.domain.approvals import Verdict
from registry.domain.feed import FeedEvent, feed_document
from registry.domain.notices import FeedEventType as Type
from registry.domain.request import RequestStatus
from registry.domain.template import Role

_ANY_TYPE = "|".join(event_type.value.replace(".", r"\.") for event_type in Type)


def _read_types(value: Any) -> Any:  # noqa: ANN401  # whatever stood in the address
    known = {event_type.value for event_type in Type}
    if isinstance(value, str) and not set(value.split(",")) <= known:
        raise PydanticCustomError("event_type", "Name types of events, separated by commas; see the contract")
    return value


EventTypes = Annotated[
    str,
    BeforeValidator(_read_types),
    Field(json_schema_extra={"pattern": f"^({_ANY_TYPE})(,({_ANY_TYPE}))*$"}),
]
"""Types of events in a query, separated by commas."""


class OpenCaseOut(WireOut):
    """A use of yours that is still open; the reference is null once the mandate was erased."""

    use_id: Id
    case_ref: str | None


class _EventOut(WireOut):
    """What every event tells."""

    id: Annotated[
        Id, Field(description="Of the sealed event among the mandate's own, where there is one that says so")
    ]
    type: Type
    sequence: Annotated[int, Field(description="Counts your organisation's events from 1, without holes")]
    occurred_at: EndTime
    template_id: Id | None
    template_version: int | None
    services: list[str]
    notify: Annotated[
        list[Role], Field(description="Whom the template wants told: for a message service to do")
    ]
    open_cases: Annotated[
        list[OpenCaseOut],
        Field(description="The cases that your organisation has open under a mandate that ends or expires"),
    ]
    open_case_count: Annotated[
        int,
        Field(description="How many these are; a webhook's body names only as many as it has room for"),
    ]


class NoDetails(WireOut):
    """The type says it all."""


class TemplateEventOut(_EventOut):
    """A version of a template was published, or the template was retired."""

    type: Literal[Type.TEMPLATE_PUBLISHED, Type.TEMPLATE_RETIRED]
    details: NoDetails


class _RequestEventOut(_EventOut):
    """About a mandate request."""

    request_id: Id


class RequestCreatedDetails(WireOut):
    """When the request lapses unless it is signed."""

    expires_at: UtcTime


class RequestCreatedOut(_RequestEventOut):
    """A mandate was asked for."""

    type: Literal[Type.REQUEST_CREATED]
    details: RequestCreatedDetails


class RequestSignedDetails(WireOut):
    """Where the request stands with this signature; `mandate_id` once it was the last."""

    status: RequestStatus
    mandate_id: Id | None


class RequestSignedOut(_RequestEventOut):
    """Somebody signed. A representative is not told."""

    type: Literal[Type.REQUEST_SIGNED]
    details: RequestSignedDetails


class RequestEndedOut(_RequestEventOut):
    """The request was declined or taken back, or its time ran out."""

    type: Literal[Type.REQUEST_DECLINED, Type.REQUEST_CANCELLED, Type.REQUEST_LAPSED]
    details: NoDetails


class _MandateEventOut(_EventOut):
    """About a mandate."""

    mandate_id: Id


class MandateIssuedDetails(WireOut):
    """The request that it came from, if any."""

    request_id: Id | None


class MandateIssuedOut(_MandateEventOut):
    """A mandate was issued; `id` is the mandate's."""

    type: Literal[Type.MANDATE_ISSUED]
    details: MandateIssuedDetails


class MandateUsedDetails(WireOut):
    """Which use of which permission; `remaining` is null where there is no limit."""

    use_id: Id
    permission: str
    remaining: int | None


class MandateUsedOut(_MandateEventOut):
    """A use was recorded."""

    type: Literal[Type.MANDATE_USED]
    details: MandateUsedDetails


class MandateTurnedOut(_MandateEventOut):
    """The mandate was suspended or resumed, used up (itself, or one above it), or renounced by its holder."""

    type: Literal[Type.MANDATE_SUSPENDED, Type.MANDATE_RESUMED, Type.MANDATE_USED_UP, Type.MANDATE_RENOUNCED]
    details: NoDetails


class WithdrawalRequestedDetails(WireOut):
    """The request, which the third party answers, and who asked."""

    withdrawal_request_id: Id
    by: Role


class WithdrawalRequestedOut(_MandateEventOut):
    """The principal asks the third party to end the mandate."""

    type: Literal[Type.MANDATE_WITHDRAWAL_REQUESTED]
    details: WithdrawalRequestedDetails


class WithdrawalRefusedDetails(WireOut):
    """The request that was refused."""

    withdrawal_request_id: Id


class WithdrawalRefusedOut(_MandateEventOut):
    """The third party refused to end the mandate."""

    type: Literal[Type.MANDATE_WITHDRAWAL_REFUSED]
    details: WithdrawalRefusedDetails


class MandateSupersededDetails(WireOut):
    """The mandate that took its place."""

    superseded_by: Id


class MandateSupersededOut(_MandateEventOut):
    """Another mandate took its place."""

    type: Literal[Type.MANDATE_SUPERSEDED]
    details: MandateSupersededDetails


class MandateRevokedDetails(WireOut):
    """In which role; `because_of` is the mandate above it with which it ended, if it ended so."""

    by: Role
    because_of: Id | None


class MandateRevokedOut(_MandateEventOut):
    """The mandate was revoked, or ended with one above it."""

    type: Literal[Type.MANDATE_REVOKED]
    details: MandateRevokedDetails


class MandateExpiringDetails(WireOut):
    """Which of the template's warnings this is, in days before the end, and the end."""

    days: int
    valid_until: EndTime


class MandateExpiringOut(_MandateEventOut):
    """The mandate is about to expire."""

    type: Literal[Type.MANDATE_EXPIRING]
    details: MandateExpiringDetails


class MandateExpiredDetails(WireOut):
    """The first moment that the mandate does not cover."""

    valid_until: EndTime


class MandateExpiredOut(_MandateEventOut):
    """The mandate's time is over."""

    type: Literal[Type.MANDATE_EXPIRED]
    details: MandateExpiredDetails


class RestrictionEventOut(_EventOut):
    """A restriction was imposed or lifted."""

    type: Literal[Type.RESTRICTION_IMPOSED, Type.RESTRICTION_LIFTED]
    restriction_id: Id
    details: NoDetails


class _ApprovalEventOut(_EventOut):
    """About one matter."""

    approval_id: Id


class ApprovalRequestedDetails(WireOut):
    """Until when it can be decided."""

    deadline: UtcTime


class ApprovalRequestedOut(_ApprovalEventOut):
    """A matter waits for its representative."""

    type: Literal[Type.APPROVAL_REQUESTED]
    details: ApprovalRequestedDetails


class ApprovalDecidedDetails(WireOut):
    """What was decided."""

    decision: Verdict


class ApprovalDecidedOut(_ApprovalEventOut):
    """The representative approved or declined."""

    type: Literal[Type.APPROVAL_DECIDED]
    details: ApprovalDecidedDetails


class EndpointDisabledDetails(WireOut):
    """Why nothing more is sent there."""

    reason: str


class EndpointDisabledOut(_EventOut):
    """A webhook endpoint of yours was switched off."""

    type: Literal[Type.ENDPOINT_DISABLED]
    endpoint_id: Id
    details: EndpointDisabledDetails


class DeliveryExhaustedDetails(WireOut):
    """To which endpoint, and why it is not tried again."""

    endpoint_id: Id
    reason: str


class DeliveryExhaustedOut(_EventOut):
    """An event could not be delivered to a webhook endpoint of yours: have it redelivered, or read it."""

    type: Literal[Type.DELIVERY_EXHAUSTED]
    delivery_id: Id
    details: DeliveryExhaustedDetails


FeedEventOut: TypeAlias = Annotated[
    TemplateEventOut
    | RequestCreatedOut
    | RequestSignedOut
    | RequestEndedOut
    | MandateIssuedOut
    | MandateUsedOut
    | MandateTurnedOut
    | WithdrawalRequestedOut
    | WithdrawalRefusedOut
    | MandateSupersededOut
    | MandateRevokedOut
    | MandateExpiringOut
    | MandateExpiredOut
    | RestrictionEventOut
    | ApprovalRequestedOut
    | ApprovalDecidedOut
    | EndpointDisabledOut
    | DeliveryExhaustedOut,
    Field(discriminator="type"),
]


class FeedOut(WireOut):
    """Events in order. `next` goes on after them; where nothing has happened it is the same again."""

    items: list[FeedEventOut]
    next: str

    @classmethod
    def of(cls, events: tuple[FeedEvent, ...], cursor: str) -> "FeedOut":
        """Show a page."""
        return cls.model_validate({"items": [feed_document(event) for event in events], "next": cursor})
