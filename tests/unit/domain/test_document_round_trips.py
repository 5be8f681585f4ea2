"""What is sealed is read back whole: domain -> document -> JSON text -> domain, and the document again."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.domain import mandate, template
from registry.domain.documents import (
    Document,
    named_party_document,
    party_document,
    read_named_party,
    read_party,
    utc_text,
    utc_time,
)
from registry.domain.events import MandateEvent, event_document, read_event
from registry.domain.mandate import Mandate, MandateContent, SignatoryAlternative
from registry.domain.parties import NamedParty, Party, Scheme
from registry.domain.template import TemplateContent
from unit.domain.builders import AGENT, COMPANY, CONTENT, FIRST_MOMENT, LAST_MOMENT, NOW, TEMPLATE, with_rule
from unit.domain.strategies import CONTENTS, EVENTS, MANDATES, NAMED, PARTIES, TEMPLATES, TIMES

CONTENT_MEMBERS = {
    *("schema", "template", "kind", "third_party", "principal", "principal_role", "representatives"),
    *("permissions", "specifier", "valid_from", "valid_until", "language", "basis", "parent", "supersedes"),
    *("principal_details", "permission_details", "external_ref"),
}


def through_json(document: Document) -> Any:  # noqa: ANN401 - what json.loads gives
    return json.loads(json.dumps(document))


@given(TEMPLATES)
@settings(deadline=None, max_examples=60)
def test_a_template_comes_back_whole(content: TemplateContent) -> None:
    written = through_json(template.content_document(content))
    read = template.read_content(written)
    assert read == content
    assert through_json(template.content_document(read)) == written


@given(MANDATES)
@settings(deadline=None, max_examples=60)
def test_a_mandate_record_comes_back_whole(issued: Mandate) -> None:
    written = through_json(mandate.record_document(issued))
    read = mandate.read_record(written)
    assert read == issued
    assert through_json(mandate.record_document(read)) == written


@given(EVENTS)
@settings(deadline=None, max_examples=60)
def test_an_event_comes_back_whole(event: MandateEvent) -> None:
    written = through_json(event_document(event))
    read = read_event(written)
    assert read == event
    assert through_json(event_document(read)) == written


@given(PARTIES)
def test_a_party_comes_back_whole(party: Party) -> None:
    assert read_party(through_json(party_document(party))) == party


@given(NAMED)
def test_a_named_party_comes_back_whole(named: NamedParty) -> None:
    assert read_named_party(through_json(named_party_document(named))) == named


def test_a_party_without_a_name_has_no_such_member() -> None:
    assert named_party_document(NamedParty(AGENT.party)) == {"scheme": "se-pnr", "value": "193504049135"}
    assert "name" in named_party_document(AGENT)


@given(CONTENTS)
@settings(deadline=None, max_examples=60)
def test_every_member_of_the_signed_content_is_always_present(content: MandateContent) -> None:
    document = mandate.content_document(content)
    assert set(document) == CONTENT_MEMBERS


@given(MANDATES, EVENTS, TEMPLATES)
@settings(deadline=None, max_examples=30)
def test_documents_hold_what_rfc_8785_can_write(
    issued: Mandate, event: MandateEvent, content: TemplateContent
) -> None:
    for document in (
        mandate.record_document(issued),
        event_document(event),
        template.content_document(content),
    ):
        assert all(isinstance(value, str | int | bool | None) for value in leaves(document))


def leaves(value: object) -> list[object]:
    if isinstance(value, Mapping):
        return [leaf for key, item in value.items() for leaf in (key, *leaves(item))]
    if isinstance(value, list | tuple):
        return [leaf for item in value for leaf in leaves(item)]
    return [value]


def test_the_persons_of_a_signatory_rule_stand_in_order_since_their_bytes_are_signed() -> None:
    values = [f"{number:012}" for number in range(40)]
    anyone = frozenset(Party(Scheme.SE_PNR, value) for value in reversed(values))
    document = through_json(mandate.content_document(with_rule(CONTENT, SignatoryAlternative(anyone, 2))))
    (alternative,) = document["principal_details"]["signatory_rule"]["alternatives"]
    assert [party["value"] for party in alternative["any_of"]] == values


def test_the_content_is_that_of_the_documentation() -> None:
    document = mandate.content_document(CONTENT)
    assert document["template"] == {
        "id": str(CONTENT.template_id),
        "version": 1,
        "text_digest": CONTENT.text_digest,
    }
    assert document["principal"] == {
        "scheme": "se-orgnr",
        "value": "5561929323",
        "name": COMPANY.name,
    }
    assert document["permissions"] == ["fill-in", "sign"]
    assert document["valid_from"] == "2026-11-21T09:00:00Z"
    assert document["valid_until"] == "2027-11-21T09:00:00Z"
    assert document["principal_role"] == "organisation"


def test_a_template_document_shares_nothing_with_the_template() -> None:
    document = template.content_document(TEMPLATE)
    title = document["title"]
    assert isinstance(title, dict)
    title["sv"] = "changed"
    assert TEMPLATE.title["sv"] == "Restaurangombud"


@given(TIMES)
def test_a_time_comes_back_to_the_microsecond(moment: datetime) -> None:
    text = utc_text(moment)
    assert text.endswith("Z")
    assert utc_time(text) == moment
    assert utc_time(text).tzinfo is UTC


@given(st.datetimes(FIRST_MOMENT.replace(year=2, tzinfo=None), LAST_MOMENT.replace(year=9998, tzinfo=None)))
def test_one_moment_has_one_text_in_whatever_zone(naive: datetime) -> None:
    moment = naive.replace(tzinfo=UTC)
    assert utc_text(moment.astimezone(ZoneInfo("Europe/Stockholm"))) == utc_text(moment)


def test_texts_of_times() -> None:
    assert utc_text(NOW) == "2026-11-21T09:00:00Z"
    assert utc_text(NOW.replace(microsecond=120)) == "2026-11-21T09:00:00.000120Z"
    assert utc_text(FIRST_MOMENT) == "0001-01-01T00:00:00Z"
    assert utc_text(LAST_MOMENT) == "9999-12-31T23:59:59.999999Z"
    assert utc_text(datetime(2026, 7, 1, tzinfo=timezone(timedelta(hours=2)))) == "2026-06-30T22:00:00Z"


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21T09:00:00",
        "2026-11-21",
        "yesterday",
        "",
        "2026-02-30T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
    ],
)
def test_what_is_no_time_with_an_offset_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the message is Python's own
        utc_time(text)
