"""Well-formed identifiers for tests, made by the schemes' published rules and not by the code under test.

The strategies make numbers in memory only. Written down in tests are solely published test numbers,
numbers of test and temporary series, and numbers of persons born before 1870 or not yet born.
"""

from datetime import date

from hypothesis import strategies as st
from stdnum import luhn
from stdnum.ee import ik
from stdnum.fi import hetu


def swedish(twelve_or_ten_less_one: str) -> str:
    """Append the Luhn check digit, which is reckoned over the last nine digits."""
    return twelve_or_ten_less_one + luhn.calc_check_digit(twelve_or_ten_less_one[-9:])


def finnish(date_sign_serial: str) -> str:
    """Append the control character; the date need not exist."""
    return date_sign_serial + hetu._calc_checksum(date_sign_serial[:6] + date_sign_serial[7:])  # noqa: SLF001 - the library offers no other way


def estonian(ten: str) -> str:
    return ten + ik.calc_check_digit(ten + "0")


def modulus_11(digits: str, weights: tuple[int, ...]) -> str | None:
    """Append the digit that makes the weighted sum divisible by 11; None where that would be 10."""
    check = -sum(int(d) * w for d, w in zip(digits, weights, strict=True)) % 11
    return None if check == 10 else f"{digits}{check}"


def norwegian(nine: str) -> str | None:
    ten = modulus_11(nine, (3, 7, 6, 1, 8, 9, 4, 5, 2))
    return ten and modulus_11(ten, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2))


def digits(count: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=count, max_size=count)


def present(strategy: st.SearchStrategy[str | None]) -> st.SearchStrategy[str]:
    return strategy.filter(lambda text: text is not None).map(str)


def dates(first: int, last: int) -> st.SearchStrategy[date]:
    return st.dates(date(first, 1, 1), date(last, 12, 31))


@st.composite
def coordination_numbers(draw: st.DrawFn) -> str:
    born = draw(dates(1800, 2099))
    month = draw(st.sampled_from([born.month, born.month, 0]))
    day = draw(st.sampled_from([born.day, born.day, 0]))
    return swedish(f"{born.year}{month:02}{day + 60}{draw(st.integers(1, 999)):03}")


@st.composite
def norwegian_numbers(draw: st.DrawFn) -> str | None:
    born = draw(dates(1940, 1999))
    day = born.day + draw(st.sampled_from([0, 40]))
    month = born.month + draw(st.sampled_from([0, 80]))
    return norwegian(f"{day:02}{month:02}{born:%y}{draw(st.integers(0, 499)):03}")


@st.composite
def finnish_codes(draw: st.DrawFn) -> str:
    born = draw(dates(1800, 2099))
    sign = draw(st.sampled_from({18: "+", 19: "-UVWXY", 20: "ABCDEF"}[born.year // 100]))
    return finnish(f"{born:%d%m%y}{sign}{draw(st.integers(2, 999)):03}")


VALID: dict[str, st.SearchStrategy[str]] = {
    "se-pnr": st.builds(
        lambda born, serial: swedish(f"{born:%Y%m%d}{serial:03}"), dates(1800, 2099), st.integers(1, 999)
    ),
    "se-samnr": coordination_numbers(),
    "se-gdnr": digits(6).map(lambda serial: swedish("302" + serial)),
    "se-orgnr": st.from_regex(r"[1-9][0-9][2-9][0-9]{6}", fullmatch=True)
    .filter(lambda nine: not nine.startswith("302"))
    .map(swedish),
    "dk-cpr": st.builds(
        lambda born, rest: f"{born:%d%m%y}{rest}",
        dates(1858, 2057).filter(lambda born: (born.month, born.day) != (2, 29)),
        digits(4),
    ),
    "dk-cvr": present(
        st.integers(1_000_000, 9_999_999).map(lambda seven: modulus_11(str(seven), (2, 7, 6, 5, 4, 3, 2)))
    ),
    "no-fnr": present(norwegian_numbers()),
    "no-orgnr": present(
        st.integers(10_000_000, 99_999_999).map(
            lambda eight: modulus_11(str(eight), (3, 2, 7, 6, 5, 4, 3, 2))
        )
    ),
    "fi-hetu": finnish_codes(),
    "fi-ytunnus": present(
        st.integers(1, 9_999_999).map(lambda seven: modulus_11(f"{seven:07}", (7, 9, 10, 5, 8, 4, 2)))
    ).map(lambda eight: f"{eight[:7]}-{eight[7]}"),
    "ee-ik": st.builds(
        lambda born, male, serial: estonian(
            f"{(born.year // 100 - 18) * 2 + 1 + (not male)}{born:%y%m%d}{serial}"
        ),
        dates(1800, 2199),
        st.booleans(),
        digits(3),
    ),
    "eidas": st.from_regex(r"[A-Z]{2}/[A-Z]{2}/[!-~]{1,256}", fullmatch=True),
    "username": st.from_regex(r"[A-Za-z0-9._@-]{1,64}", fullmatch=True),
}
