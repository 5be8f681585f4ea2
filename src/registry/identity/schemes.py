"""From (scheme, value) as received to a `Party` in its scheme's one canonical ASCII form.

Only ASCII is taken, and only the separators that the scheme's own authority writes, so two spellings of
one party are always one `Party` and no look-alike is let through. Messages say what would be right and
never repeat what was sent. No identifier is cached or kept: a national registry meets too many persons
for a cache to help, and their numbers should not linger in memory; the checks are cheap instead.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from registry.domain.errors import InvalidPartyIdError
from registry.domain.parties import Party, PartyType, Scheme
from registry.identity import denmark_norway, finland_estonia, sweden

_EIDAS: Final = re.compile(r"[A-Z]{2}/[A-Z]{2}/[!-~]{1,256}")
_USERNAME: Final = re.compile(r"[A-Za-z0-9._@-]{1,64}")


def _eidas_identifier(value: str) -> str:
    """Check an `eidas` identifier (eIDAS SAML Attribute Profile 1.2, section 2.2.3); case is kept.

    The country codes are checked in form only: the second may also be an international organisation's.
    """
    if _EIDAS.fullmatch(value) is None:
        raise InvalidPartyIdError(
            "format", "Expected two country codes and 1-256 visible ASCII characters: DE/SE/identifier."
        )
    return value


def _username(value: str) -> str:
    if _USERNAME.fullmatch(value) is None:
        raise InvalidPartyIdError("format", "Expected 1-64 characters out of A-Z a-z 0-9 . _ @ -")
    return value


def _no_birth_date(_value: str) -> None:
    return None


@dataclass(frozen=True, slots=True)
class _Rules:
    """What the registry knows of one scheme."""

    scheme: Scheme
    canonical: Callable[[str], str]
    zone: ZoneInfo | None
    birth_date: Callable[[str], date | None] = _no_birth_date


_SWEDEN: Final = ZoneInfo("Europe/Stockholm")
_DENMARK: Final = ZoneInfo("Europe/Copenhagen")
_NORWAY: Final = ZoneInfo("Europe/Oslo")
_FINLAND: Final = ZoneInfo("Europe/Helsinki")
_ESTONIA: Final = ZoneInfo("Europe/Tallinn")

_RULES: Final[dict[str, _Rules]] = {
    rules.scheme.value: rules
    for rules in (
        _Rules(Scheme.SE_PNR, sweden.personal_number, _SWEDEN, sweden.personal_number_birth_date),
        _Rules(Scheme.SE_SAMNR, sweden.coordination_number, _SWEDEN, sweden.coordination_number_birth_date),
        _Rules(Scheme.SE_GDNR, sweden.gd_number, _SWEDEN),
        _Rules(Scheme.SE_ORGNR, sweden.organisation_number, _SWEDEN),
        _Rules(
            Scheme.DK_CPR,
            denmark_norway.danish_personal_number,
            _DENMARK,
            denmark_norway.danish_personal_number_birth_date,
        ),
        _Rules(Scheme.DK_CVR, denmark_norway.danish_business_number, _DENMARK),
        _Rules(
            Scheme.NO_FNR,
            denmark_norway.norwegian_personal_number,
            _NORWAY,
            denmark_norway.norwegian_personal_number_birth_date,
        ),
        _Rules(Scheme.NO_ORGNR, denmark_norway.norwegian_organisation_number, _NORWAY),
        _Rules(
            Scheme.FI_HETU,
            finland_estonia.finnish_personal_code,
            _FINLAND,
            finland_estonia.finnish_personal_code_birth_date,
        ),
        _Rules(Scheme.FI_YTUNNUS, finland_estonia.finnish_business_id, _FINLAND),
        _Rules(
            Scheme.EE_IK,
            finland_estonia.estonian_personal_code,
            _ESTONIA,
            finland_estonia.estonian_personal_code_birth_date,
        ),
        _Rules(Scheme.EIDAS, _eidas_identifier, None),
        _Rules(Scheme.USERNAME, _username, None),
    )
}

_ORGANISATION_SCHEMES: Final = tuple(
    scheme.value for scheme in Scheme if Party(scheme, "").type is PartyType.ORGANISATION
)


def parse_party(scheme: str, value: str) -> Party:
    """Check `value` by the rules of `scheme` and return the party in canonical form.

    Raises `InvalidPartyIdError` with code `unknown_scheme`, `format` (characters, length, separators),
    `date` (no such day, or a number of the scheme beside) or `check_digit`, and nothing else, whatever
    the text.
    """
    rules = _RULES.get(scheme)
    if rules is None:
        raise InvalidPartyIdError("unknown_scheme", f"Unknown scheme: expected one of {', '.join(_RULES)}.")
    return Party(rules.scheme, rules.canonical(value))


def parse_organisation(text: str) -> Party:
    """Read an organisation as written in a query string, `se-orgnr:5561929323`.

    Raises `InvalidPartyIdError` as `parse_party` does; a scheme of persons or staff is `unknown_scheme`
    here, since a person's identifier never belongs in a URL.
    """
    scheme, colon, value = text.partition(":")
    if not colon:
        raise InvalidPartyIdError("format", "Expected scheme:value, as in se-orgnr:NNNNNNNNNC.")
    if scheme not in _ORGANISATION_SCHEMES:
        raise InvalidPartyIdError(
            "unknown_scheme",
            f"Expected an organisation, with one of the schemes {', '.join(_ORGANISATION_SCHEMES)}: "
            "a person's identifier never belongs in a URL.",
        )
    return parse_party(scheme, value)


def birth_date(party: Party) -> date | None:
    """Tell the full birth date that the identifier of a parsed party holds.

    None for organisations, staff, `eidas`, `se-gdnr`, and coordination numbers with an unknown month or day.
    """
    return _RULES[party.scheme].birth_date(party.value)


def country_zone(party: Party) -> ZoneInfo | None:
    """Tell the civil time zone of the country whose scheme this is; None for `eidas` and `username`."""
    return _RULES[party.scheme].zone
