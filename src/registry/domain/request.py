"""Mandate requests: what is asked for before issue, who has signed, and what became of it.

A request is a list of entries (`registry.domain.entries`): the first fixes the content that is signed, to
the byte; what the request is now is derived from all of them. Its content never changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from registry.domain.documents import Json, party_document, read_party, utc_text, utc_time
from registry.domain.entries import Entry
from registry.domain.errors import ConflictError, Fault
from registry.domain.mandate import (
    Capacity,
    MandateContent,
    Signature,
    content_document,
    read_content,
    read_signature,
    signature_document,
)
from registry.domain.parties import Party
from registry.domain.signing_rules import Grantors


class RequestStatus(StrEnum):
    """Where a request stands."""

    PENDING = "pending"
    ISSUED = "issued"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    LAPSED = "lapsed"


class RequestEntry(StrEnum):
    """What happens to a request."""

    CREATED = "request.created"
    SIGNED = "request.signed"
    ISSUED = "request.issued"
    DECLINED = "request.declined"
    CANCELLED = "request.cancelled"
    LAPSED = "request.lapsed"


_STATUS_AFTER = {
    RequestEntry.ISSUED: RequestStatus.ISSUED,
    RequestEntry.DECLINED: RequestStatus.DECLINED,
    RequestEntry.CANCELLED: RequestStatus.CANCELLED,
    RequestEntry.LAPSED: RequestStatus.LAPSED,
}


@dataclass(frozen=True, slots=True)
class RequestEnding:
    """What ended a request, and when; `mandate_id` where it was issued."""

    type: RequestEntry
    at: datetime
    mandate_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class MissingSignatures:
    """One way to complete a request: `count` more of `any_of`, who all sign in this capacity.

    `any_of` is empty where it is not known beforehand who signs: a guardian.
    """

    capacity: Capacity
    any_of: frozenset[Party]
    count: int


@dataclass(frozen=True, slots=True)
class MandateRequest:
    """A request as its entries tell it. `evidence` is that of each signature, exactly as received.

    `ending` is what was recorded: a request that lapsed has none until the worker has been there.
    `grantors` and `ancestors` (root first) are those of a sub-mandate, as its parent has them.
    """

    id: UUID
    asked_by: Party
    capacity: Capacity
    content: MandateContent
    content_digest: str
    created_at: datetime
    expires_at: datetime
    return_url: str | None = None
    grantors: Grantors | None = None
    ancestors: tuple[UUID, ...] = ()
    signatures: tuple[Signature, ...] = ()
    evidence: tuple[str, ...] = field(default=(), repr=False)
    ending: RequestEnding | None = None


class RequestOverError(ConflictError):
    """The request is over: nothing more happens to it."""

    def __init__(self, ending: RequestEnding) -> None:
        """Carry what ended it."""
        super().__init__()
        self.ending = ending


class AlreadySignedError(ConflictError):
    """This signer has signed the request already: each signs once."""


class NotGrantableError(ConflictError):
    """What was asked for can no longer be granted, so that no signature is taken: ask anew."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        """Carry the rules that the content breaks by now, each named once."""
        super().__init__()
        self.reasons = tuple(dict.fromkeys(fault.code for fault in faults))


def status_of_request(request: MandateRequest, now: datetime) -> RequestStatus:
    """The status now. A request lapses at `expires_at`, whether or not that has been recorded."""
    ending = ending_of_request(request, now)
    return RequestStatus.PENDING if ending is None else _STATUS_AFTER[ending.type]


def ending_of_request(request: MandateRequest, now: datetime) -> RequestEnding | None:
    """What has ended the request: as recorded, or its time; None while it is pending."""
    if request.ending is not None or now < request.expires_at:
        return request.ending
    return RequestEnding(RequestEntry.LAPSED, request.expires_at)


def missing_signatures(request: MandateRequest) -> tuple[MissingSignatures, ...]:
    """The ways to complete the request, of which any one suffices; empty once one is complete.

    Whether the signatures that are there do make the mandate is decided by `check_signatures` alone.
    """
    signed = {signature.signer.party for signature in request.signatures}
    ways = tuple(
        MissingSignatures(way.capacity, way.any_of - signed, way.count - len(way.any_of & signed))
        for way in _ways(request)
    )
    # A guardian is nobody's to name beforehand: whoever has signed as one was attested.
    by_guardian = request.capacity is Capacity.GUARDIAN and bool(signed)
    return () if by_guardian or any(way.count <= 0 for way in ways) else ways


def asked_signers(request: MandateRequest) -> frozenset[Party]:
    """Everybody who may sign, whether or not they have. Guardians are not known before they sign."""
    return frozenset().union(*(way.any_of for way in _ways(request)))


def waiting_signers(request: MandateRequest) -> frozenset[Party]:
    """Everybody whose signature would still bring the request further; nobody once it has ended."""
    if request.ending is not None:
        return frozenset()
    return frozenset().union(*(way.any_of for way in missing_signatures(request)))


def may_see_signers(request: MandateRequest, parties: Sequence[Party]) -> bool:
    """Whether one of these is entitled to know who may sign: third party, principal, or one who is asked."""
    content = request.content
    return not {content.third_party.party, content.principal.party, *asked_signers(request)}.isdisjoint(
        parties
    )


def _ways(request: MandateRequest) -> tuple[MissingSignatures, ...]:
    content, capacity = request.content, request.capacity
    match capacity:
        case Capacity.SIGNATORY:
            details = content.principal_details
            rule = None if details is None else details.signatory_rule
            return tuple(
                MissingSignatures(capacity, alternative.any_of, alternative.count)
                for alternative in (() if rule is None else rule.alternatives)
            )
        case Capacity.PRINCIPAL:
            return (MissingSignatures(capacity, frozenset({content.principal.party}), 1),)
        case Capacity.AUTHORITY:
            return (MissingSignatures(capacity, frozenset({content.third_party.party}), 1),)
        case Capacity.REPRESENTATIVE if request.grantors is not None:
            return (MissingSignatures(capacity, _granting(request), request.grantors.together),)
        case _:
            return (MissingSignatures(capacity, frozenset(), 1),)


def _granting(request: MandateRequest) -> frozenset[Party]:
    """The representatives of the parent; for an organisation among them, the signatories that are stated."""
    details = request.content.principal_details
    rule = None if details is None else details.signatory_rule
    stated = frozenset().union(*(item.any_of for item in rule.alternatives)) if rule else frozenset[Party]()
    return stated | (request.grantors.parties if request.grantors else frozenset())


def created_details(request: MandateRequest) -> dict[str, Json]:
    """The details of the entry that opens a request."""
    return {
        "asked_by": party_document(request.asked_by),
        "capacity": request.capacity.value,
        "content": content_document(request.content),
        "content_digest": request.content_digest,
        "expires_at": utc_text(request.expires_at),
        "return_url": request.return_url,
        "grantors": None if request.grantors is None else _grantors_document(request.grantors),
        "ancestors": [str(mandate_id) for mandate_id in request.ancestors],
    }


def signed_details(signature: Signature, evidence: str) -> dict[str, Json]:
    """The details of the entry that a signature makes."""
    return {"signature": signature_document(signature), "evidence": evidence}


def read_request(entries: Sequence[Entry]) -> MandateRequest:
    """Read a request from all its entries, oldest first. Faults are bugs (KeyError)."""
    first, *later = entries
    asked = first.details
    signed = [entry.details for entry in later if entry.type == RequestEntry.SIGNED]
    return MandateRequest(
        id=first.subject_id,
        asked_by=read_party(_object(asked["asked_by"])),
        capacity=Capacity(str(asked["capacity"])),
        content=read_content(_object(asked["content"])),
        content_digest=str(asked["content_digest"]),
        created_at=first.recorded_at,
        expires_at=utc_time(str(asked["expires_at"])),
        return_url=None if asked["return_url"] is None else str(asked["return_url"]),
        grantors=None if asked["grantors"] is None else _read_grantors(_object(asked["grantors"])),
        ancestors=tuple(UUID(str(mandate_id)) for mandate_id in _list(asked["ancestors"])),
        signatures=tuple(read_signature(_object(details["signature"])) for details in signed),
        evidence=tuple(str(details["evidence"]) for details in signed),
        ending=next((_read_ending(entry) for entry in later if entry.type in _STATUS_AFTER), None),
    )


def _read_ending(entry: Entry) -> RequestEnding:
    kind = RequestEntry(entry.type)
    mandate_id = UUID(str(entry.details["mandate_id"])) if kind is RequestEntry.ISSUED else None
    at = utc_time(str(entry.details["at"])) if kind is RequestEntry.LAPSED else entry.recorded_at
    return RequestEnding(kind, at, mandate_id)


def _grantors_document(grantors: Grantors) -> dict[str, Json]:
    parties: list[Json] = [party_document(party) for party in sorted(grantors.parties)]
    return {"parties": parties, "together": grantors.together}


def _read_grantors(document: Mapping[str, Json]) -> Grantors:
    parties = frozenset(read_party(_object(party)) for party in _list(document["parties"]))
    return Grantors(parties, int(str(document["together"])))


def _list(value: Json) -> Sequence[Json]:
    if not isinstance(value, list):
        raise TypeError("a list was written here")
    return value


def _object(value: Json) -> Mapping[str, Json]:
    if not isinstance(value, Mapping):
        raise TypeError("an object was written here")
    return value
