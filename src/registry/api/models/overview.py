"""A person's own overview on the wire."""

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import Field

from registry.api.models.fields import EndTime, Id, Language, UtcTime, WireIn, WireOut
from registry.api.models.parties import PartyOut
from registry.domain.approvals import Approval
from registry.domain.events import EventType, Status
from registry.domain.mandate import Basis, Capacity, MandateContent
from registry.domain.parties import PartyType
from registry.domain.template import MandateKind, Role, TemplateContent, best_language
from registry.operations.list_own_mandates import OwnMandate
from registry.operations.list_waiting_requests import WaitingRequest


class OverviewIn(WireIn):
    """In which language, and which page. Texts that lack the language come in another one."""

    language: Annotated[
        Language | None, Field(description="Wanted first; then the mandate's own, English, any")
    ] = None
    limit: Annotated[int, Field(strict=True, ge=1, le=100)] = 20
    cursor: Id | None = None


class OwnTemplateOut(WireOut):
    """Which template version the mandate was signed on, with its texts in one language."""

    id: Id
    version: int
    language: Annotated[str, Field(description="The language of the title", examples=["sv"])]
    title: str
    description: str | None


class OwnPermissionOut(WireOut):
    """A permission that was granted, with its texts."""

    code: str
    title: str
    description: str | None


class EndingOut(WireOut):
    """What ended a mandate before its time, and when."""

    type: EventType
    at: UtcTime


class OpenWithdrawalOut(WireOut):
    """A withdrawal that waits for the third party's answer."""

    event_id: Id
    at: UtcTime


class WithdrawalOut(WireOut):
    """How to withdraw: `revocation` and `request` are where to POST, null where that cannot be done now.

    Both take the same id token. To `revocation` send the person's `role` as `by`; a representative renounces.
    """

    may_revoke: Annotated[list[Role], Field(description="Who may end it before its time")]
    revocation: Annotated[str | None, Field(examples=["/v1/mandates/01a1ff99-.../revocation"])]
    request: Annotated[str | None, Field(description="Where to ask the third party to end it")]
    open_request: OpenWithdrawalOut | None


class OwnMandateOut(WireOut):
    """A mandate as one of its parties sees it: given as principal, or held as representative."""

    id: Id
    role: Annotated[Role, Field(description="`principal`: given. `representative`: held")]
    status: Status
    kind: MandateKind
    basis: Basis
    third_party: PartyOut
    principal: PartyOut
    representatives: list[PartyOut]
    template: OwnTemplateOut
    permissions: list[OwnPermissionOut]
    specifier: dict[str, str]
    valid_from: UtcTime
    valid_until: EndTime | None
    ending: EndingOut | None
    withdrawal: WithdrawalOut

    @classmethod
    def of(cls, own: OwnMandate, language: str | None) -> Self:
        """Show a mandate, its texts in this language or the nearest there is."""
        content, template = own.mandate.content, own.template
        wanted = [item for item in (language, content.language) if item is not None]
        return cls(
            id=own.mandate.id,
            role=own.role,
            status=own.status,
            kind=content.kind,
            basis=content.basis,
            third_party=PartyOut.of(content.third_party),
            principal=PartyOut.of(content.principal),
            representatives=[PartyOut.of(named) for named in content.representatives],
            template=_template(content, template, language),
            permissions=_permissions(own, wanted),
            specifier=dict(content.specifier),
            valid_from=content.valid_from,
            valid_until=content.valid_until,
            ending=None if own.ending is None else EndingOut(type=own.ending.type, at=own.ending.at),
            withdrawal=_withdrawal(own),
        )


class WaitingRequestOut(WireOut):
    """A mandate request that waits for the person's signature. Read it, sign it or decline it by its id."""

    id: Id
    link: Annotated[str, Field(description="Where the person is sent to sign")]
    capacity: Annotated[Capacity, Field(description="In which capacity the person signs")]
    third_party: PartyOut
    principal: PartyOut
    representatives: list[PartyOut]
    template: OwnTemplateOut
    expires_at: EndTime

    @classmethod
    def of(cls, waiting: WaitingRequest, link: str, language: str | None) -> Self:
        """Show a request, its texts in this language or the nearest there is."""
        request, template = waiting.found.request, waiting.template
        content = request.content
        return cls(
            id=request.id,
            link=link,
            capacity=request.capacity,
            third_party=PartyOut.of(content.third_party),
            principal=PartyOut.of(content.principal),
            representatives=[PartyOut.of(named) for named in content.representatives],
            template=_template(content, template, language),
            expires_at=request.expires_at,
        )


class WaitingApprovalOut(WireOut):
    """A matter that waits for the person's decision. Read it, approve or decline it by its id."""

    id: Id
    third_party: PartyOut
    principal: PartyOut
    principal_role: PartyType
    permission: str
    title: str
    content_digest: str
    deadline: EndTime

    @classmethod
    def of(cls, approval: Approval) -> Self:
        """Show a matter."""
        matter = approval.matter
        return cls(
            id=approval.id,
            third_party=PartyOut.of(matter.third_party),
            principal=PartyOut.of(matter.principal),
            principal_role=matter.principal_role or matter.principal.party.type,
            permission=matter.permission,
            title=matter.title,
            content_digest=matter.content_digest,
            deadline=matter.deadline,
        )


class OverviewOut(WireOut):
    """What waits for a person, and one page of its mandates, newest first.

    `next` is the next page's cursor, null at the end.
    """

    requests: Annotated[
        list[WaitingRequestOut],
        Field(description="On the first page: what waits for the person's signature, at most 100"),
    ]
    approvals: Annotated[
        list[WaitingApprovalOut],
        Field(description="On the first page: matters that wait for the person's decision, at most 100"),
    ]
    mandates: list[OwnMandateOut]
    next: Id | None


def _template(content: MandateContent, template: TemplateContent, language: str | None) -> OwnTemplateOut:
    wanted = [item for item in (language, content.language) if item is not None]
    chosen = best_language(template.title, wanted) or content.language
    description = best_language(template.description, wanted)
    return OwnTemplateOut(
        id=content.template_id,
        version=content.template_version,
        language=chosen,
        title=template.title[chosen],
        description=None if description is None else template.description[description],
    )


def _permissions(own: OwnMandate, wanted: Sequence[str]) -> list[OwnPermissionOut]:
    shown = []
    for code in own.mandate.content.permissions:
        permission = own.template.permission(code)
        title = None if permission is None else best_language(permission.title, wanted)
        if permission is None or title is None:
            raise RuntimeError("a mandate grants what its template version offers, which has a title")
        description = best_language(permission.description, wanted)
        shown.append(
            OwnPermissionOut(
                code=code,
                title=permission.title[title],
                description=None if description is None else permission.description[description],
            )
        )
    return shown


def _withdrawal(own: OwnMandate) -> WithdrawalOut:
    address = f"/v1/mandates/{own.mandate.id}"
    waiting = own.open_withdrawal
    return WithdrawalOut(
        may_revoke=list(own.template.may_revoke),
        revocation=f"{address}/revocation" if own.may_end else None,
        request=f"{address}/withdrawal-requests" if own.may_ask else None,
        open_request=None
        if waiting is None
        else OpenWithdrawalOut(event_id=waiting.event_id, at=waiting.recorded_at),
    )
