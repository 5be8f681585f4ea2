"""Mandate requests on the wire: what is asked for, and where it stands."""

from dataclasses import replace
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from registry.api.models.fields import EndTime, Id, Positive, ShortText, UtcTime, WireIn, WireOut
from registry.api.models.mandates import ContentOut, SignatureOut
from registry.api.models.parties import PartyIn, PartyOut
from registry.api.models.proposals import ProposalIn
from registry.api.personal_numbers import names_person
from registry.domain.mandate import Capacity, content_document
from registry.domain.request import MandateRequest, MissingSignatures, RequestStatus, missing_signatures
from registry.operations.look_up_request import FoundRequest
from registry.operations.request_mandate import AskedMandate
from registry.operations.sign_request import SignedRequest
from registry.signing.encodings import encode_base64url


def _names_nobody(url: str) -> str:
    if names_person(url):
        raise PydanticCustomError("personal_identifier", "A person's identifier never belongs in an address")
    return url


ReturnUrl = Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(_names_nobody)]


class MandateRequestIn(ProposalIn):
    """A mandate that is asked for. An absent `valid_until` is the template's default, null is open-ended."""

    return_url: Annotated[
        ReturnUrl | None,
        Field(description="Where the signer goes afterwards: one of the addresses registered for the client"),
    ] = None
    expires_in_days: Annotated[
        Positive | None,
        Field(description="How long it waits for signatures; default and at most what the template says"),
    ] = None

    def to_asked(self) -> AskedMandate:
        """What is asked for, in the operations' terms."""
        return AskedMandate(self.to_proposal(), self.return_url, self.expires_in_days)


class MissingSignaturesOut(WireOut):
    """One way to complete the request: so many more of these parties sign, in this capacity."""

    capacity: Capacity
    any_of: Annotated[
        list[PartyOut] | None,
        Field(description="Null where it is not yours to know, or not known beforehand, as with guardians"),
    ]
    count: int

    @classmethod
    def of(cls, missing: MissingSignatures, *, shows_signers: bool) -> Self:
        """Show a way, with its parties only to those entitled."""
        parties = [PartyOut.of_party(party) for party in sorted(missing.any_of)]
        return cls(
            capacity=missing.capacity,
            any_of=parties if parties and shows_signers else None,
            count=missing.count,
        )


class MandateRequestOut(ContentOut):
    """A mandate request with its status now.

    To a client of a representative, `principal_details`, `to_be_signed`, `signatures` and `return_url` are
    null: who signs for the principal is not for it to know before the mandate is issued.
    """

    id: Id
    status: RequestStatus
    asked_by: PartyOut
    created_at: UtcTime
    expires_at: EndTime
    ended_at: EndTime | None
    mandate_id: Id | None
    to_be_signed: Annotated[
        str | None,
        Field(description="base64url of the RFC 8785 bytes of the content, which names this `request_id`"),
    ]
    digest: Annotated[str, Field(description="base64url SHA-256 of those bytes: the `content_digest` claim")]
    capacity: Annotated[Capacity, Field(description="In which capacity this mandate is signed")]
    signatures_missing: Annotated[
        list[MissingSignaturesOut], Field(description="Any one of these completes it; empty when it is over")
    ]
    signatures: list[SignatureOut] | None
    link: Annotated[str, Field(description="Where a signer is sent to sign")]
    return_url: str | None
    consistency_token: Annotated[
        str | None, Field(description="Send it as `at_least` to be answered from a state no older than this")
    ] = None

    @classmethod
    def of(cls, found: FoundRequest, link: str, consistency_token: str | None = None) -> Self:
        """Show a request."""
        request, shows = found.request, found.shows_signers
        # Which request it is, the content says to its signers alone; here it is the `id`.
        members: dict[str, Any] = dict(content_document(replace(request.content, request_id=None)))
        hidden: dict[str, Any] = {} if shows else {"principal_details": None}
        return cls.model_validate(
            members
            | hidden
            | {
                "id": request.id,
                "status": found.status,
                "asked_by": PartyOut.of_party(request.asked_by),
                "created_at": request.created_at,
                "expires_at": request.expires_at,
                "ended_at": None if found.ending is None else found.ending.at,
                "mandate_id": None if found.ending is None else found.ending.mandate_id,
                "to_be_signed": encode_base64url(found.to_be_signed) if shows else None,
                "digest": request.content_digest,
                "capacity": request.capacity,
                "signatures_missing": _missing(request, found),
                "signatures": [SignatureOut.of(item) for item in request.signatures] if shows else None,
                "link": link,
                "return_url": request.return_url if shows else None,
                "consistency_token": consistency_token,
            }
        )


def _missing(request: MandateRequest, found: FoundRequest) -> list[MissingSignaturesOut]:
    if found.status is not RequestStatus.PENDING:
        return []
    return [
        MissingSignaturesOut.of(item, shows_signers=found.shows_signers)
        for item in missing_signatures(request)
    ]


class MandateRequestSearchIn(WireIn):
    """Which requests to find, among those that your organisation has a part in."""

    principal: PartyIn | None = None
    signer: Annotated[PartyIn | None, Field(description="Whose signature is waited for")] = None
    template_id: Id | None = None
    status: RequestStatus | None = None
    limit: Annotated[int, Field(strict=True, ge=1, le=100)] = 20
    cursor: Id | None = None


class MandateRequestList(WireOut):
    """One page of requests in the order they were made; `next` is the next page's cursor, null at the end."""

    items: list[MandateRequestOut]
    next: Id | None


class RequestEndIn(WireIn):
    """Why the request is declined or taken back, if it is to be said."""

    reason: ShortText | None = None


class RequestActOut(WireOut):
    """What became of a request by this act; `mandate_id` is the mandate that its last signature made."""

    request_id: Id
    status: RequestStatus
    mandate_id: Id | None
    at: UtcTime
    consistency_token: Annotated[
        str, Field(description="Send it as `at_least` to be answered from a state no older than this")
    ]

    @classmethod
    def of(cls, signed: SignedRequest, consistency_token: str) -> Self:
        """Show what a signature brought about."""
        return cls(
            request_id=signed.request_id,
            status=signed.status,
            mandate_id=signed.mandate_id,
            at=signed.at,
            consistency_token=consistency_token,
        )
