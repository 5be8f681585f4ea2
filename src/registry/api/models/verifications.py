"""Questions and answers on the wire."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field

from registry.api.models.fields import Code, Digest, Id, ShortText, UtcTime, WireIn, WireOut
from registry.api.models.parties import PartyIn, PartyOut
from registry.domain.callers import Caller
from registry.domain.documents import party_document
from registry.domain.errors import Fault, InvalidInputError
from registry.domain.parties import Party, PartyType
from registry.domain.questions import Decision, PermissionAnswer, Reason
from registry.identity.company_register import CompanyEntry
from registry.operations.own_engagements import RegisterLookUp
from registry.operations.search_representations import RepresentedPrincipal
from registry.operations.verify import AskedQuestion
from registry.signing.consistency import InvalidConsistencyTokenError, Position, read_consistency_token
from registry.signing.keys import KeyRing

LEAVES_OUT_DEFAULTS = ConfigDict(json_schema_serialization_defaults_required=False)
"""Answers are shown as receipts hold them: what does not apply is left out."""


class QuestionIn(WireIn):
    """May this representative act for this principal, here, in this matter, at this time?"""

    third_party: Annotated[
        PartyIn | None,
        Field(description="Towards whom; default your own organisation, another needs `verify:any`"),
    ] = None
    principal: PartyIn
    representative: PartyIn
    permissions: Annotated[
        list[Code], Field(min_length=1, max_length=50, examples=[["ceb9028a-ffce-4b9a-adca-165972fec48a"]])
    ]
    representatives: Annotated[
        list[PartyIn] | None,
        Field(max_length=20, description="Those who act together with `representative`"),
    ] = None
    service: Annotated[Code | None, Field(description="The e-service's stable UID")] = None
    principal_role: PartyType | None = None
    specifier: Annotated[dict[Code, ShortText] | None, Field(max_length=20)] = None
    approval_id: Annotated[
        Id | None, Field(description="The approval of this matter, where the template demands one")
    ] = None
    content_digest: Annotated[
        Digest | None, Field(description="With `approval_id`: of the content that was approved")
    ] = None
    at: Annotated[UtcTime | None, Field(description="Valid at that time, by what is known now")] = None
    known_at: Annotated[UtcTime | None, Field(description="By what the registry knew at that time")] = None
    at_least: Annotated[
        Annotated[str, Field(max_length=100)] | None,
        Field(description="A `consistency_token`: never answer from an older state"),
    ] = None
    purpose: ShortText | None = None

    def to_question(
        self, caller: Caller, document: Mapping[str, Any], at_least: Position | None, *, now: datetime
    ) -> AskedQuestion:
        """The question in the operations' terms; `document` is the body as sent.

        What is kept of it also names the third party where the caller left it out, so that a receipt is
        whole by itself.
        """
        third_party = caller.organisation if self.third_party is None else self.third_party.party
        if self.third_party is None:
            document = {**document, "third_party": party_document(third_party)}
        return AskedQuestion(
            caller=caller,
            third_party=third_party,
            principal=self.principal.party,
            representative=self.representative.party,
            permissions=tuple(dict.fromkeys(self.permissions)),
            document=document,
            asked_at=now,
            together_with=tuple(party.party for party in self.representatives or ()),
            service=self.service,
            principal_role=self.principal_role,
            specifier=self.specifier or {},
            at=self.at,
            known_at=self.known_at,
            at_least=at_least,
            approval_id=self.approval_id,
            content_digest=self.content_digest,
        )


class BatchIn(WireIn):
    """Up to 1,000 questions."""

    questions: Annotated[list[QuestionIn], Field(min_length=1, max_length=1000)]


class PermissionAnswerOut(WireOut):
    """The answer for one permission. `mandate_id` and `valid_until` where a mandate permits it."""

    model_config = LEAVES_OUT_DEFAULTS

    code: str
    decision: Decision
    reasons: list[Reason]
    mandate_id: Id | None = None
    valid_until: UtcTime | None = None
    chain: Annotated[
        list[Id] | None,
        Field(
            description="Where `mandate_id` is a sub-mandate: the mandates from the root down to it",
            exclude_if=lambda chain: chain is None,
        ),
    ] = None


class AnswerOut(WireOut):
    """`permit` only if every permission is, `deny` if any is denied, else `conditional`."""

    model_config = LEAVES_OUT_DEFAULTS

    decision: Decision
    reasons: list[Reason]
    permissions: list[PermissionAnswerOut]
    checked_at: UtcTime
    historical: Annotated[bool, Field(description="True where the question gave `known_at`")] = False
    consistency_token: str


class VerificationOut(AnswerOut):
    """An answer with its receipt: a compact JWS (`mandate-receipt+jwt`) over question and answer."""

    receipt: str


class ReceiptPath(WireOut):
    """The RFC 6962 inclusion path of an answer in its batch, hashes in base64url from the leaf upwards."""

    index: int
    path: list[str]


class BatchAnswerOut(AnswerOut):
    """One answer of a batch.

    Its leaf is the RFC 8785 bytes of `{"answer", "question"}`: the question as asked, and this answer without
    `consistency_token` and `receipt_path`.
    """

    receipt_path: ReceiptPath


class BatchOut(WireOut):
    """The answers in the order asked, and one receipt (`mandate-batch-receipt+jwt`) over their root."""

    answers: list[BatchAnswerOut]
    receipt: str


class RepresentationSearchIn(WireIn):
    """Who wants to act, and in which of your e-services."""

    representative: PartyIn
    third_party: PartyIn | None = None
    service: Code | None = None
    limit: Annotated[int, Field(strict=True, ge=1, le=100)] = 20
    cursor: Annotated[str | None, Field(max_length=100)] = None
    purpose: ShortText | None = None

    def third_party_of(self, caller: Caller) -> Party:
        """Towards whom: the caller's own organisation unless the search names another."""
        return caller.organisation if self.third_party is None else self.third_party.party


class RepresentationOut(WireOut):
    """A principal that the representative may act for, with what a form prefills."""

    principal: PartyOut
    principal_role: PartyType
    principal_details: dict[str, Any] | None
    specifier: dict[str, str]
    via: Annotated[str, Field(json_schema_extra={"enum": ["mandate", "statutory", "own_engagement"]})]
    permissions: list[PermissionAnswerOut]

    @classmethod
    def of(cls, found: RepresentedPrincipal) -> Self:
        """Show a principal. Company details come without the persons who may sign for it."""
        content = found.mandate.content
        # Those of a sub-mandate are of the organisation that granted it on.
        details = found.root.content.principal_details
        return cls(
            principal=PartyOut.of(content.principal),
            principal_role=content.principal_role,
            principal_details=None if details is None else {"form": details.form, "source": details.source},
            specifier=dict(content.specifier),
            via="mandate" if content.basis == "voluntary" else "statutory",
            permissions=[permission_out(item) for item in found.permissions],
        )

    @classmethod
    def of_engagement(cls, entry: CompanyEntry, permissions: Sequence[str]) -> Self:
        """Show a business that the representative signs for alone: no mandate, no end."""
        details = entry.details
        return cls(
            principal=PartyOut.of(entry.organisation),
            principal_role=PartyType.ORGANISATION,
            principal_details={"form": details.form, "source": details.source},
            specifier={},
            via="own_engagement",
            permissions=[
                PermissionAnswerOut(code=code, decision=Decision.PERMIT, reasons=[]) for code in permissions
            ],
        )


class RepresentationList(WireOut):
    """One page of principals; `next` is the cursor of the next page, null at the end.

    `own_engagements` tells whether the company register was asked for this page: `listed`; `unavailable` when
    it did not answer; `not_asked` on later pages, for organisations, and where no register is configured.
    """

    items: list[RepresentationOut]
    next: str | None
    own_engagements: RegisterLookUp


def permission_out(item: PermissionAnswer) -> PermissionAnswerOut:
    """Show the answer for one permission."""
    return PermissionAnswerOut(
        code=item.code,
        decision=item.decision,
        reasons=list(item.reasons),
        mandate_id=item.mandate_id,
        valid_until=item.valid_until,
        chain=list(item.chain) or None,
    )


def read_at_least(token: str | None, keys: KeyRing, system_id: int, pointer: str) -> Position | None:
    """Read `at_least`. Raises InvalidInputError for a token that this registry did not give."""
    if token is None:
        return None
    fault = Fault(f"{pointer}/at_least", "consistency_token", "Send a `consistency_token` as you got it.")
    try:
        position = read_consistency_token(token, keys)
    except InvalidConsistencyTokenError:
        raise InvalidInputError((fault,)) from None
    if position.system_id != system_id:
        raise InvalidInputError((fault,))
    return position
