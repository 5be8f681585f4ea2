"""Telling organisations what an act did: one notice for each event, in the act's own transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from registry.domain.approvals import Matter
from registry.domain.documents import Json
from registry.domain.events import EventType, MandateEvent
from registry.domain.mandate import Mandate
from registry.domain.notices import NAMES_OPEN_CASES, Circle, FeedEventType, details_of
from registry.domain.parties import Party, PartyType
from registry.domain.request import MandateRequest, asked_signers
from registry.domain.restrictions import Imposition
from registry.domain.template import TemplateVersion
from registry.signing.keys import KeyRing
from registry.storage.circles import list_circles
from registry.storage.database import WriteSession
from registry.storage.outbox import enqueue
from registry.storage.templates import get_version


@dataclass(frozen=True, slots=True)
class Happening:
    """What happened to a mandate. `id` is that of the sealed event which says so, where there is one."""

    id: UUID
    mandate_id: UUID
    type: FeedEventType
    at: datetime
    details: Mapping[str, Json]


async def announce_happenings(session: WriteSession, keys: KeyRing, happenings: Sequence[Happening]) -> None:
    """Tell those that see these mandates, in this order; the transaction holds the mandates' locks."""
    if not happenings:
        return
    ids = {item.mandate_id for item in happenings}
    with_uses = any(item.type in NAMES_OPEN_CASES for item in happenings)
    circles = await list_circles(session, keys, ids, with_uses=with_uses)
    await enqueue(
        session,
        [
            circles[item.mandate_id].notice(item.type, item.mandate_id, item.at, item.details, id=item.id)
            for item in happenings
        ],
    )


async def announce_events(session: WriteSession, keys: KeyRing, events: Iterable[MandateEvent]) -> None:
    """Tell of sealed events; that a case was closed is for nobody else to know."""
    told = [
        Happening(event.id, event.mandate_id, FeedEventType(event.type.value), event.at, details_of(event))
        for event in events
        if event.type is not EventType.USE_CLOSED
    ]
    await announce_happenings(session, keys, told)


async def announce_issues(session: WriteSession, keys: KeyRing, mandates: Sequence[Mandate]) -> None:
    """Tell that mandates were issued; the sealed record is the event of its own issue."""
    told = [
        Happening(
            mandate.id,
            mandate.id,
            FeedEventType.MANDATE_ISSUED,
            mandate.issued_at,
            {"request_id": None if mandate.request_id is None else str(mandate.request_id)},
        )
        for mandate in mandates
    ]
    await announce_happenings(session, keys, told)


async def announce(
    session: WriteSession,
    circle: Circle,
    event_type: FeedEventType,
    subject_id: UUID,
    details: Mapping[str, Json],
    *,
    at: datetime,
) -> None:
    """Tell a circle of what is no event on a mandate; the transaction holds the subject's lock."""
    await enqueue(session, [circle.notice(event_type, subject_id, at, details, id=uuid7())])


async def announce_request(
    session: WriteSession,
    keys: KeyRing,
    request: MandateRequest,
    event_type: FeedEventType,
    details: Mapping[str, Json],
    *,
    at: datetime,
) -> None:
    """Tell those that see a mandate request; that somebody signed is not for its representatives to know."""
    content = request.content
    parties = {content.principal.party, *asked_signers(request)}
    if event_type is not FeedEventType.REQUEST_SIGNED:
        parties.update(named.party for named in content.representatives)
    template = await get_version(session, content.template_id, content.template_version)
    circle = circle_of(keys, content.third_party.party, parties, template)
    await announce(session, circle, event_type, request.id, details, at=at)


def circle_of(
    keys: KeyRing, third_party: Party, parties: Iterable[Party] = (), template: TemplateVersion | None = None
) -> Circle:
    """A third party with the organisations among these parties, and what the template says, if any."""
    organisations = {party for party in parties if party.type is PartyType.ORGANISATION}
    own = keys.party_index(third_party)
    audiences = frozenset({own, *(keys.party_index(party) for party in organisations)})
    if template is None:
        return Circle(audiences, own)
    content = template.content
    return Circle(
        audiences, own, template.id, template.version, content.department, content.services, content.notify
    )


def circle_of_restriction(keys: KeyRing, imposition: Imposition) -> Circle:
    """Those that see a restriction: who imposed it, towards whom it counts, and whom it is about."""
    towards = None if imposition.third_party is None else imposition.third_party.party
    named = (imposition.subject, imposition.representative)
    parties = [item.party for item in named if item is not None]
    return circle_of(keys, towards or imposition.imposed_by, [imposition.imposed_by, *parties])


def circle_of_matter(keys: KeyRing, matter: Matter) -> Circle:
    """Those that see an approval."""
    return circle_of(keys, matter.third_party.party, (matter.principal.party, matter.representative.party))
