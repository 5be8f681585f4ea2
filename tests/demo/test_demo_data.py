from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.demo.data import DemoData, read_demo
from registry.domain.parties import NamedParty, Party, PartyType, Scheme
from registry.domain.template import SigningBy
from registry.domain.template_rules import check_template
from registry.domain.verification import age_on
from registry.identity.schemes import birth_date, parse_party

START = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
STARTS = st.datetimes(datetime(2024, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # hypothesis adds the zone
TESTERS_OWN = ("195809132896", "198101052382")
EXAMPLE_CODE = "ceb9028a-ffce-4b9a-adca-165972fec48a"


@pytest.fixture(scope="module")
def data() -> DemoData:
    return read_demo(START)


def test_every_template_could_be_published(data: DemoData) -> None:
    for template in data.templates:
        assert check_template(template.content) == ()


def test_the_templates_offer_what_the_third_parties_described(data: DemoData) -> None:
    offered = {
        item.key: [permission.type for permission in item.content.permissions] for item in data.templates
    }
    assert offered == {
        "restaurant": ["sign", "fill_in", "sign", "sign", "sign", "sign", "sign"],
        "financial-aid": ["sign", "read"],
        "guardian-school": ["sign", "sign"],
        "data-sharing": ["collect"] * 4 + ["disclose"] * 2 + ["collect", "disclose"],
        "child-therapy": ["receive", "disclose"],
        "seafarer-tax": ["disclose"],
    }
    by = {item.key: item.content.signing.by for item in data.templates}
    assert by["restaurant"] is SigningBy.SIGNATORIES
    assert by["guardian-school"] is SigningBy.AUTHORITY
    assert by["child-therapy"] is SigningBy.GUARDIAN


def test_permission_codes_are_unique_and_the_example_of_the_documents_is_one(data: DemoData) -> None:
    codes = [permission.code for item in data.templates for permission in item.content.permissions]
    assert len(codes) == len(set(codes)) == 22
    restaurant = data.templates[0].content
    example = restaurant.permission(EXAMPLE_CODE)
    assert example is not None
    assert example.title == {"sv": "Ansökan om serveringstillstånd"}


def test_codes_do_not_depend_on_the_start() -> None:
    later = read_demo(START + timedelta(days=400))
    assert [item.content for item in later.templates] == [item.content for item in read_demo(START).templates]


def test_every_party_is_valid_in_its_scheme(data: DemoData) -> None:
    assert len(data.parties) == 19
    for named in data.parties.values():
        assert parse_party(named.party.scheme, named.party.value) == named.party


def test_swedish_persons_that_are_computed_come_from_the_test_series(data: DemoData) -> None:
    child = data.parties["barn-johansson"].party
    assert child.value[8:11] == "980"
    assert birth_date(child) == date(2017, 11, 21)


def test_two_test_persons_are_left_to_testers(data: DemoData) -> None:
    untouched = {Party(Scheme.SE_PNR, value) for value in TESTERS_OWN}
    assert untouched <= {named.party for named in data.parties.values()}
    assert untouched.isdisjoint(_taking_part(data))


def test_every_client_exists_with_an_organisation_and_scopes(data: DemoData) -> None:
    clients = {client.client_id: client for client in data.clients}
    assert list(clients) == [
        "demo-platform",
        "demo-case-system",
        "demo-karlskrona",
        "demo-kobenhavn",
        "demo-odense",
        "demo-skat",
        "demo-registrar",
        "demo-admin",
    ]
    assert all(client.scopes for client in clients.values())
    assert all(client.organisation.type is PartyType.ORGANISATION for client in clients.values())
    assert {str(scope) for scope in clients["demo-admin"].scopes} == {"registry:admin", "audit:read"}
    assert "mandates:issue" not in clients["demo-case-system"].scopes
    for client_id in ("demo-karlskrona", "demo-kobenhavn", "demo-odense", "demo-skat"):
        assert clients[client_id].scopes == clients["demo-platform"].scopes


@given(start=STARTS)
def test_whenever_it_starts_everything_that_happened_lies_in_the_past_in_order(start: datetime) -> None:
    data = read_demo(start)
    for mandate in data.mandates:
        published_at = next(item.published_at for item in data.templates if item.key == mandate.template)
        assert published_at < mandate.issued_at < start
        proposal = mandate.proposal
        assert proposal.valid_from is not None
        assert proposal.valid_until is not None
        assert mandate.issued_at < proposal.valid_from < proposal.valid_until
        if mandate.act is not None:
            assert proposal.valid_from < mandate.act.at < start


@given(start=STARTS)
def test_whenever_it_starts_the_child_turns_nine(start: datetime) -> None:
    child = read_demo(start).parties["barn-johansson"].party
    today = start.astimezone(ZoneInfo("Europe/Stockholm")).date()
    assert age_on(birth_date(child), today) == 9


def test_a_start_on_leap_day_finds_a_birthday() -> None:
    child = read_demo(datetime(2028, 2, 29, 12, tzinfo=UTC)).parties["barn-johansson"].party
    assert birth_date(child) == date(2019, 2, 28)


def test_periods_are_whole_days_where_the_third_party_is(data: DemoData) -> None:
    zones = {"se": ZoneInfo("Europe/Stockholm"), "dk": ZoneInfo("Europe/Copenhagen")}
    for mandate in data.mandates:
        zone = zones[mandate.third_party.scheme[:2]]
        for moment in (mandate.proposal.valid_from, mandate.proposal.valid_until):
            assert moment is not None
            there = moment.astimezone(zone)
            assert (there.hour, there.minute, there.second, there.microsecond) == (0, 0, 0, 0)


def _taking_part(data: DemoData) -> set[Party]:
    named: set[NamedParty] = set()
    signatories: set[Party] = set()
    for mandate in data.mandates:
        details = mandate.proposal.principal_details
        named |= {mandate.proposal.principal, *mandate.proposal.representatives, *mandate.signers}
        if details is not None and details.signatory_rule is not None:
            signatories.update(*(item.any_of for item in details.signatory_rule.alternatives))
    return signatories | {item.party for item in named}
