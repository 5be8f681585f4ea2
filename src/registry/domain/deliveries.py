"""Statutory deliveries: an authority's own mandates, under its own key, always delivered as a whole."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from registry.domain.documents import Document, Json
from registry.domain.errors import Fault
from registry.domain.mandate import MandateContent
from registry.domain.template import SigningBy, TemplateContent

DELIVERY_SCHEMA = "statutory-delivery/1"
REPLACED = "replaced by delivery"


@dataclass(frozen=True, slots=True)
class DeliveryKey:
    """Under what an authority delivers: a source of its own, and its key there."""

    source: str
    key: str


def delivered_document(delivery: DeliveryKey, item: Document) -> dict[str, Json]:
    """The evidence of a delivered mandate: what the authority said, and under what."""
    return {
        "schema": DELIVERY_SCHEMA,
        "source": delivery.source,
        "key": delivery.key,
        "mandate": dict(item),
    }


def check_is_statutory(template: TemplateContent) -> Iterator[Fault]:
    """A fault for a template whose mandates the authority does not sign by itself."""
    if template.signing.by is not SigningBy.AUTHORITY:
        yield Fault(
            "/template", "not_statutory", "Deliver on templates whose `signing.by` is `authority` only."
        )


def find_overlaps(contents: Sequence[MandateContent]) -> Iterator[tuple[int, int]]:
    """Pairs of mandates, by their places, that could not be in force beside each other.

    They are of the same parties, template, permissions and specifier, and their times overlap.
    """
    alike: dict[object, list[int]] = {}
    for place, content in enumerate(contents):
        same = (
            content.principal.party,
            content.principal_role,
            content.template_id,
            content.permissions,
            frozenset(content.specifier.items()),
            frozenset(named.party for named in content.representatives),
        )
        for earlier in alike.setdefault(same, []):
            other = contents[earlier]
            if overlap((other.valid_from, other.valid_until), (content.valid_from, content.valid_until)):
                yield earlier, place
        alike[same].append(place)


def overlap(one: tuple[datetime, datetime | None], other: tuple[datetime, datetime | None]) -> bool:
    """Whether two half-open periods have a moment in common; an end of None is open."""
    return (other[1] is None or one[0] < other[1]) and (one[1] is None or other[0] < one[1])
