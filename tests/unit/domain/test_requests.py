"""Where a request stands, and whose signatures would complete it: derived from its entries alone."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from registry.domain.documents import Json, utc_text
from registry.domain.entries import Entry, SubjectKind
from registry.domain.mandate import (
    Capacity,
    MandateContent,
    PrincipalDetails,
    SignatoryAlternative,
    SignatoryRule,
    Signature,
)
from registry.domain.parties import NamedParty, Party, PartyType, Scheme
from registry.domain.request import (
    MandateRequest,
    MissingSignatures,
    RequestEnding,
    RequestEntry,
    RequestStatus,
    asked_signers,
    created_details,
    may_see_signers,
    missing_signatures,
    read_request,
    signed_details,
    status_of_request,
    waiting_signers,
)
from registry.domain.template import MandateKind, SignatureMethod

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
LAPSES = NOW + timedelta(days=30)
ID, MANDATE = UUID(int=7), UUID(int=8)
HERMAN, MARIA, PETRONELLA, PAUL = (
    Party(Scheme.SE_PNR, number)
    for number in ("195004112354", "196709132887", "198602102389", "195809132896")
)
COMPANY, AUTHORITY = Party(Scheme.SE_ORGNR, "5561929323"), Party(Scheme.SE_ORGNR, "2120002411")
BOARD = frozenset({HERMAN, MARIA, PETRONELLA})
RULE = SignatoryRule((SignatoryAlternative(frozenset({PETRONELLA}), 1), SignatoryAlternative(BOARD, 2)))


def content(principal: Party = COMPANY) -> MandateContent:
    return MandateContent(
        template_id=UUID(int=1),
        template_version=1,
        text_digest="digest",
        kind=MandateKind.REPRESENTATION,
        third_party=NamedParty(AUTHORITY, "Sundsvalls kommun"),
        principal=NamedParty(principal, "TB Bokföringsbyrå AB"),
        principal_role=PartyType.ORGANISATION,
        representatives=(NamedParty(PAUL, "Paul Ingemar Vall"),),
        permissions=("apply",),
        valid_from=NOW,
        valid_until=NOW + timedelta(days=365),
        language="sv",
        principal_details=PrincipalDetails("aktiebolag", RULE, "Bolagsverket"),
    )


def signed_by(party: Party) -> Signature:
    return Signature(
        NamedParty(party), Capacity.SIGNATORY, SignatureMethod.JWS, NOW, "jws", "digest", None, "https://eid"
    )


def request(*signers: Party, capacity: Capacity = Capacity.SIGNATORY, **changes: Any) -> MandateRequest:  # noqa: ANN401
    members = {
        "id": ID,
        "asked_by": AUTHORITY,
        "capacity": capacity,
        "content": content(),
        "content_digest": "digest",
        "created_at": NOW,
        "expires_at": LAPSES,
        "signatures": tuple(map(signed_by, signers)),
        "evidence": tuple("evidence" for _ in signers),
    }
    return MandateRequest(**(members | changes))


def ways(found: MandateRequest) -> list[tuple[frozenset[Party], int]]:
    return [(way.any_of, way.count) for way in missing_signatures(found)]


def test_each_alternative_tells_who_and_how_many_are_missing() -> None:
    assert ways(request()) == [(frozenset({PETRONELLA}), 1), (BOARD, 2)]
    assert ways(request(HERMAN)) == [
        (frozenset({PETRONELLA}), 1),
        (frozenset({MARIA, PETRONELLA}), 1),
    ]


@pytest.mark.parametrize("signers", [(PETRONELLA,), (HERMAN, MARIA), (MARIA, PETRONELLA)])
def test_nothing_is_missing_once_one_alternative_is_complete(signers: Sequence[Party]) -> None:
    assert missing_signatures(request(*signers)) == ()
    assert waiting_signers(request(*signers)) == frozenset()
    assert asked_signers(request(*signers)) == BOARD


@pytest.mark.parametrize(
    ("capacity", "signers"),
    [
        (Capacity.PRINCIPAL, {COMPANY}),
        (Capacity.AUTHORITY, {AUTHORITY}),
        (Capacity.GUARDIAN, set()),
    ],
)
def test_other_capacities_take_one_signature(capacity: Capacity, signers: set[Party]) -> None:
    waiting = request(capacity=capacity)
    assert missing_signatures(waiting) == (MissingSignatures(capacity, frozenset(signers), 1),)
    signer = next(iter(signers), MARIA)
    assert missing_signatures(request(signer, capacity=capacity)) == ()


def test_only_those_entitled_know_who_may_sign() -> None:
    for party in (AUTHORITY, COMPANY, HERMAN, MARIA, PETRONELLA):
        assert may_see_signers(request(), [PAUL, party])
    assert not may_see_signers(request(), [PAUL])


def test_a_request_lapses_at_its_very_moment() -> None:
    assert status_of_request(request(), LAPSES - timedelta(microseconds=1)) is RequestStatus.PENDING
    assert status_of_request(request(), LAPSES) is RequestStatus.LAPSED


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (RequestEntry.ISSUED, RequestStatus.ISSUED),
        (RequestEntry.DECLINED, RequestStatus.DECLINED),
        (RequestEntry.CANCELLED, RequestStatus.CANCELLED),
        (RequestEntry.LAPSED, RequestStatus.LAPSED),
    ],
)
def test_what_is_recorded_counts_at_any_time(kind: RequestEntry, status: RequestStatus) -> None:
    over = request(ending=RequestEnding(kind, NOW))
    for moment in (NOW - timedelta(days=1), NOW, LAPSES + timedelta(days=1)):
        assert status_of_request(over, moment) is status
    assert waiting_signers(over) == frozenset()


def entries(*later: tuple[RequestEntry, dict[str, Json]]) -> list[Entry]:
    opening = (RequestEntry.CREATED, created_details(request(return_url="https://a.example/back")))
    return [
        Entry(ID, SubjectKind.REQUEST, number, kind.value, NOW, "urn:registry:client:c", None, details)
        for number, (kind, details) in enumerate([opening, *later])
    ]


def test_a_request_is_read_as_it_was_written() -> None:
    signature = signed_by(HERMAN)
    read = read_request(entries((RequestEntry.SIGNED, signed_details(signature, "evidence"))))
    assert read == request(HERMAN, return_url="https://a.example/back")


@pytest.mark.parametrize(
    ("kind", "details", "ending"),
    [
        (
            RequestEntry.ISSUED,
            {"mandate_id": str(MANDATE)},
            RequestEnding(RequestEntry.ISSUED, NOW, MANDATE),
        ),
        (RequestEntry.DECLINED, {"reason": None}, RequestEnding(RequestEntry.DECLINED, NOW)),
        (RequestEntry.CANCELLED, {"reason": "x"}, RequestEnding(RequestEntry.CANCELLED, NOW)),
        (RequestEntry.LAPSED, {"at": utc_text(LAPSES)}, RequestEnding(RequestEntry.LAPSED, LAPSES)),
    ],
)
def test_the_ending_is_read_from_its_entry(
    kind: RequestEntry, details: dict[str, Json], ending: RequestEnding
) -> None:
    assert read_request(entries((kind, details))).ending == ending
