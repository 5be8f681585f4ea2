"""What each scheme takes and refuses, one case at a time."""

from datetime import date

import pytest

from party_numbers import estonian, finnish, norwegian, swedish
from registry.domain.errors import InvalidPartyIdError
from registry.domain.parties import Party, PartyType, Scheme
from registry.identity.schemes import birth_date, country_zone, parse_organisation, parse_party


def refusal(scheme: str, value: str) -> str:
    with pytest.raises(InvalidPartyIdError) as caught:
        parse_party(scheme, value)
    return caught.value.code


# Published for testing by the Swedish Tax Agency and the Danish health sector, and organisations.
PUBLISHED = [
    ("se-orgnr", "2120002411", None),
    ("se-orgnr", "2120000829", None),
    ("se-orgnr", "5561929323", None),
    ("se-orgnr", "5563813962", None),
    ("dk-cvr", "64942212", None),
    ("dk-cvr", "35209115", None),
    ("dk-cvr", "19552101", None),
    ("se-pnr", "193504049135", date(1935, 4, 4)),
    ("se-pnr", "195004112354", date(1950, 4, 11)),
    ("se-pnr", "198602102389", date(1986, 2, 10)),
    ("se-pnr", "196709132887", date(1967, 9, 13)),
    ("se-pnr", "198602262381", date(1986, 2, 26)),
    ("se-pnr", "195809132896", date(1958, 9, 13)),
    ("se-pnr", "198602062393", date(1986, 2, 6)),
    ("se-pnr", "198602052386", date(1986, 2, 5)),
    ("se-pnr", "198101052382", date(1981, 1, 5)),
    ("dk-cpr", "2512489996", date(1948, 12, 25)),
]


@pytest.mark.parametrize(("scheme", "value", "born"), PUBLISHED)
def test_every_published_test_number_is_taken_as_it_stands(
    scheme: str, value: str, born: date | None
) -> None:
    party = parse_party(scheme, value)
    assert party == Party(Scheme(scheme), value)
    assert birth_date(party) == born


@pytest.mark.parametrize(
    ("scheme", "written", "canonical"),
    [
        ("se-pnr", "19860226-2381", "198602262381"),
        ("se-samnr", swedish("18910572980")[:8] + "-" + swedish("18910572980")[8:], swedish("18910572980")),
        ("se-gdnr", "302000-0000", "3020000000"),
        ("se-orgnr", "556192-9323", "5561929323"),
        ("se-orgnr", "165561929323", "5561929323"),
        ("se-orgnr", "16556192-9323", "5561929323"),
        ("dk-cpr", "251248-9996", "2512489996"),
        ("dk-cvr", "64 94 22 12", "64942212"),
        ("no-fnr", "418140 61033", "41814061033"),
        ("no-fnr", "418140-61033", "41814061033"),
        ("no-orgnr", "999 999 972", "999999972"),
        ("fi-hetu", "020516c903k", "020516C903K"),
        ("fi-ytunnus", "12345671", "1234567-1"),
    ],
)
def test_the_usual_separators_are_normalised_away(scheme: str, written: str, canonical: str) -> None:
    assert parse_party(scheme, written).value == canonical


@pytest.mark.parametrize(
    ("scheme", "value", "code"),
    [
        ("se-pnr", "8602262381", "format"),
        ("se-pnr", "860226-2381", "format"),
        ("se-pnr", "860226+2381", "format"),
        ("se-pnr", "19860226+2381", "format"),
        ("se-pnr", "19860226 2381", "format"),
        ("se-pnr", "1986-02262381", "format"),
        ("se-pnr", "198602262381-", "format"),
        ("se-pnr", "165561929323", "format"),
        ("se-pnr", swedish("19860226000"), "format"),
        ("se-pnr", "198602262382", "check_digit"),
        ("se-pnr", swedish("19860230980"), "date"),
        ("se-pnr", swedish("19861326980"), "date"),
        ("se-pnr", swedish("19860092980"), "date"),
        ("se-orgnr", "556192932", "format"),
        ("se-orgnr", "5561929324", "check_digit"),
        ("se-orgnr", "8602262381", "format"),
        ("se-orgnr", "198602262381", "format"),
        ("se-orgnr", swedish("002000000"), "format"),
        ("se-orgnr", "16165561929323", "format"),
        ("se-gdnr", "3020000001", "check_digit"),
        ("se-gdnr", "5561929323", "format"),
        ("se-gdnr", "163020000000", "format"),
        ("dk-cpr", "25124899960", "format"),
        ("dk-cpr", "251248 9996", "format"),
        ("dk-cpr", "3102489996", "date"),
        ("dk-cpr", "8512489996", "date"),
        ("dk-cvr", "64942213", "check_digit"),
        ("dk-cvr", "00000000", "format"),
        ("dk-cvr", "DK64942212", "format"),
        ("dk-cvr", "649 422 12", "format"),
        ("no-fnr", "41814061034", "check_digit"),
        ("no-fnr", "41814061043", "check_digit"),
        ("no-fnr", "00000000000", "date"),
        ("no-orgnr", "000000000", "format"),
        ("no-orgnr", "999999973", "check_digit"),
        ("fi-hetu", "010594Y9033", "check_digit"),
        ("fi-hetu", "010594G9032", "format"),
        ("fi-hetu", finnish("010594Y001"), "format"),
        ("fi-hetu", finnish("310494Y903"), "date"),
        ("fi-hetu", "010594Y903G", "format"),
        ("fi-ytunnus", "1234567-2", "check_digit"),
        ("fi-ytunnus", "0000000-0", "format"),
        ("fi-ytunnus", "FI12345671", "format"),
        ("ee-ik", "05001010009", "format"),
        ("ee-ik", estonian("1500229001"), "date"),
        ("eidas", "DE/SE/", "format"),
        ("eidas", "de/SE/1", "format"),
        ("eidas", "DE/SE", "format"),
        ("eidas", "DE/SE/a b", "format"),
        ("eidas", "DE/SE/" + "a" * 257, "format"),
        ("username", "", "format"),
        ("username", "a" * 65, "format"),
        ("username", "anna/karin", "format"),
        ("username", "anna karin", "format"),
        ("SE-PNR", "198602262381", "unknown_scheme"),
        ("", "198602262381", "unknown_scheme"),
        ("198602262381", "se-pnr", "unknown_scheme"),
    ],
)
def test_what_is_refused_and_why(scheme: str, value: str, code: str) -> None:
    assert refusal(scheme, value) == code


@pytest.mark.parametrize(
    ("scheme", "value", "born"),
    [
        ("se-pnr", swedish("20000229980"), date(2000, 2, 29)),
        ("se-pnr", swedish("18960229980"), date(1896, 2, 29)),
        ("se-pnr", swedish("20991231980"), date(2099, 12, 31)),
        ("se-samnr", swedish("20000289980"), date(2000, 2, 29)),
        ("dk-cpr", "2902004000", date(2000, 2, 29)),
        ("dk-cpr", "3112575000", date(2057, 12, 31)),
        ("dk-cpr", "0101585000", date(1858, 1, 1)),
        ("dk-cpr", "0101364999", date(2036, 1, 1)),
        ("dk-cpr", "0101374999", date(1937, 1, 1)),
        ("dk-cpr", "0101573999", date(1957, 1, 1)),
        ("fi-hetu", finnish("290200A902"), date(2000, 2, 29)),
        ("fi-hetu", finnish("010150+902"), date(1850, 1, 1)),
        ("fi-hetu", "010594Y9032", date(1994, 5, 1)),
        ("fi-hetu", "020516C903K", date(2016, 5, 2)),
        ("ee-ik", estonian("1500101001"), date(1850, 1, 1)),
        ("ee-ik", estonian("5000229001"), date(2000, 2, 29)),
        ("ee-ik", estonian("8991231001"), date(2199, 12, 31)),
        # From the Norwegian Tax Administration's notice on the widened D-number series.
        ("no-fnr", "41814061033", date(1940, 1, 1)),
        ("no-fnr", "41814075603", date(1940, 1, 1)),
        ("no-fnr", "41810021827", date(2000, 1, 1)),
        ("no-fnr", "41810034422", date(2000, 1, 1)),
    ],
)
def test_leap_days_and_centuries_are_read_from_the_number(scheme: str, value: str, born: date) -> None:
    assert birth_date(parse_party(scheme, value)) == born


@pytest.mark.parametrize(
    ("scheme", "value"),
    [
        ("se-pnr", swedish("19000229980")),
        ("se-pnr", swedish("20230229980")),
        ("se-samnr", swedish("19000289980")),
        ("dk-cpr", "2902000000"),
        ("fi-hetu", finnish("290200-902")),
        ("ee-ik", estonian("3000229001")),
    ],
)
def test_a_leap_day_of_another_century_is_refused(scheme: str, value: str) -> None:
    assert refusal(scheme, value) == "date"


@pytest.mark.parametrize(
    ("day_month_year", "serial", "born"),
    [
        ("018100", range(500), date(1900, 1, 1)),
        ("018199", range(500), date(1999, 1, 1)),
        ("018139", range(500, 1000), date(2039, 1, 1)),
        ("018140", range(900, 1000), date(1940, 1, 1)),
        ("018154", range(500, 750), date(1854, 1, 1)),
        ("298200", range(500, 1000), date(2000, 2, 29)),
        ("298200", range(500), None),
        ("018140", range(500, 900), None),
        ("018154", range(750, 900), None),
        ("418100", range(200), date(1900, 1, 1)),
        ("418100", range(200, 1000), date(2000, 1, 1)),
        ("418140", range(500), date(1940, 1, 1)),
        ("418140", range(600, 1000), date(1940, 1, 1)),
        ("418157", range(500, 600), None),
        ("418158", range(500, 600), date(1858, 1, 1)),
    ],
)
def test_a_norwegian_serial_tells_the_century(day_month_year: str, serial: range, born: date | None) -> None:
    numbers = [number for n in serial if (number := norwegian(f"{day_month_year}{n:03}"))]
    assert len(numbers) > len(serial) * 0.7
    for number in numbers:
        if born is None:
            assert refusal("no-fnr", number) == "date"
        else:
            assert birth_date(parse_party("no-fnr", number)) == born


@pytest.mark.parametrize(
    "day_month", ["0141", "0152", "8001", "9901", "3201", "7201", "4000", "0180", "0193"]
)
def test_norwegian_auxiliary_and_impossible_numbers_are_refused(day_month: str) -> None:
    number = next(n for serial in range(100) if (n := norwegian(f"{day_month}50{serial:03}")))
    assert refusal("no-fnr", number) == "date"


ONE_OF_EACH = [
    ("se-pnr", "198602262381", date(1986, 2, 26), "Europe/Stockholm"),
    ("se-samnr", swedish("18910572980"), date(1891, 5, 12), "Europe/Stockholm"),
    ("se-gdnr", "3020000000", None, "Europe/Stockholm"),
    ("se-orgnr", "5561929323", None, "Europe/Stockholm"),
    ("dk-cpr", "2512489996", date(1948, 12, 25), "Europe/Copenhagen"),
    ("dk-cvr", "64942212", None, "Europe/Copenhagen"),
    ("no-fnr", "41814061033", date(1940, 1, 1), "Europe/Oslo"),
    ("no-orgnr", "999999972", None, "Europe/Oslo"),
    ("fi-hetu", "010594Y9032", date(1994, 5, 1), "Europe/Helsinki"),
    ("fi-ytunnus", "1234567-1", None, "Europe/Helsinki"),
    ("ee-ik", estonian("1500101001"), date(1850, 1, 1), "Europe/Tallinn"),
    ("eidas", "DE/SE/a1+/=", None, None),
    ("username", "anna.karin@example", None, None),
]


def test_every_scheme_has_its_case() -> None:
    assert [scheme for scheme, *_ in ONE_OF_EACH] == [scheme.value for scheme in Scheme]


@pytest.mark.parametrize(("scheme", "value", "born", "zone"), ONE_OF_EACH)
def test_birth_date_and_zone(scheme: str, value: str, born: date | None, zone: str | None) -> None:
    party = parse_party(scheme, value)
    assert (party.scheme, party.value) == (scheme, value)
    assert birth_date(party) == born
    found = country_zone(party)
    assert (found and found.key) == zone


@pytest.mark.parametrize(("scheme", "value", "_born", "_zone"), ONE_OF_EACH)
def test_a_query_string_names_organisations_only(
    scheme: str, value: str, _born: date | None, _zone: str | None
) -> None:
    party = parse_party(scheme, value)
    if party.type is PartyType.ORGANISATION:
        assert parse_organisation(str(party)) == party
        return
    with pytest.raises(InvalidPartyIdError, match="never belongs in a URL") as caught:
        parse_organisation(str(party))
    assert caught.value.code == "unknown_scheme"
    assert value not in caught.value.message


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "format"),
        ("5561929323", "format"),
        ("198602262381", "format"),
        (":5561929323", "unknown_scheme"),
        ("198602262381:se-orgnr", "unknown_scheme"),
        (" se-orgnr:5561929323", "unknown_scheme"),
        ("se-orgnr: 5561929323", "format"),
        ("se-orgnr:se-orgnr:5561929323", "format"),
        ("se-orgnr:8602262381", "format"),
        ("se-orgnr:3020000000", "format"),
        ("se-orgnr:5561929324", "check_digit"),
    ],
)
def test_a_query_string_that_names_no_organisation_is_refused(text: str, code: str) -> None:
    with pytest.raises(InvalidPartyIdError) as caught:
        parse_organisation(text)
    assert caught.value.code == code
    assert "1986" not in caught.value.message
