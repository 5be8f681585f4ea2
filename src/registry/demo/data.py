"""What the demo holds, read from `data.json` and dated from the day on which it was first loaded.

Days begin at midnight where the third party is, and acts happen in office hours there.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from registry.domain.callers import Caller, Scope
from registry.domain.issuance import MandateProposal
from registry.domain.mandate import PrincipalDetails, SignatoryAlternative, SignatoryRule
from registry.domain.parties import NamedParty, Party, Scheme
from registry.domain.template import Role, TemplateContent, read_content
from registry.identity.schemes import country_zone, parse_party
from registry.identity.sweden import swedish_test_number

DEMO_REGISTER: Final = Path(__file__).with_name("company-register.json")
"""The company register of the demo, a file that `load_file_register` reads."""

_FILE: Final = Path(__file__).with_name("data.json")
_PUBLISHED_DAY: Final = -730
_OFFICE_OPENS: Final = time(10)
_LOOKED_UP_BEFORE: Final = timedelta(hours=1)
_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class DemoTemplate:
    """A template that its third party published long ago."""

    key: str
    content: TemplateContent
    published_at: datetime


@dataclass(frozen=True, slots=True)
class Attestation:
    """An authority's own signature: which employee attests what."""

    signer: NamedParty
    employee: Party
    statement: str


@dataclass(frozen=True, slots=True)
class Revoked:
    """Ended early by a person, in this role, over a signature."""

    at: datetime
    role: Role
    person: NamedParty
    reason: str


@dataclass(frozen=True, slots=True)
class Used:
    """Used by the third party, for a representative who acted in a case."""

    at: datetime
    permission: str
    case_ref: str
    by: Party


@dataclass(frozen=True, slots=True)
class Suspended:
    """Suspended by the third party."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class DemoMandate:
    """A mandate, how it was signed, and the one thing that happened to it, if any did.

    `proposal` lacks the id of the template, which is made when the template is.
    """

    key: str
    about: str
    template: str
    third_party: Party
    proposal: MandateProposal
    issued_at: datetime
    signers: tuple[NamedParty, ...] = ()
    attestation: Attestation | None = None
    act: Revoked | Used | Suspended | None = None


@dataclass(frozen=True, slots=True)
class DemoData:
    """The whole demo, as it begins at `start`. `clients` stand in the order of their registration."""

    start: datetime
    parties: Mapping[str, NamedParty]
    templates: tuple[DemoTemplate, ...]
    mandates: tuple[DemoMandate, ...]
    clients: tuple[Caller, ...]

    def client_of(self, organisation: Party) -> Caller:
        """The client that acts for an organisation: the first of its clients."""
        return next(client for client in self.clients if client.organisation == organisation)


def read_demo(start: datetime) -> DemoData:
    """Read the demo as it is when it was first loaded at `start` (aware UTC)."""
    return _Reader(json.loads(_FILE.read_bytes()), start).read()


class _Reader:
    """Resolves the names that `data.json` uses within itself."""

    def __init__(self, document: Mapping[str, Any], start: datetime) -> None:
        self._document = document
        self._start = start
        self._parties = {key: self._party(item) for key, item in document["parties"].items()}
        self._templates = {item["key"]: self._template(item) for item in document["templates"]}
        self._codes = {
            (template["key"], permission["key"]): permission["code"]
            for template in document["templates"]
            for permission in template["permissions"]
        }

    def read(self) -> DemoData:
        return DemoData(
            start=self._start,
            parties=self._parties,
            templates=tuple(self._templates.values()),
            mandates=tuple(self._mandate(item) for item in self._document["mandates"]),
            clients=tuple(self._client(item) for item in self._document["clients"]),
        )

    def _party(self, item: Mapping[str, Any]) -> NamedParty:
        if "value" in item:
            return NamedParty(parse_party(item["scheme"], item["value"]), item["name"])
        today = self._start.astimezone(country_zone(Party(Scheme(item["scheme"]), ""))).date()
        birth = _years_before(today, item["born_years_before"])
        return NamedParty(swedish_test_number(birth, item["serial"]), item["name"])

    def _template(self, item: Mapping[str, Any]) -> DemoTemplate:
        owner = self._document["parties"][item["third_party"]]
        content = read_content({**item, "third_party": owner})
        return DemoTemplate(
            item["key"], content, self._office_hour(content.third_party.party, _PUBLISHED_DAY)
        )

    def _mandate(self, item: Mapping[str, Any]) -> DemoMandate:
        third_party = self._templates[item["template"]].content.third_party.party
        return DemoMandate(
            key=item["key"],
            about=item["about"],
            template=item["template"],
            third_party=third_party,
            proposal=self._proposal(item, third_party),
            issued_at=self._office_hour(third_party, item["issued_day"]),
            signers=tuple(self._parties[key] for key in item.get("signed_by", ())),
            attestation=self._attestation(item["attested"]) if "attested" in item else None,
            act=self._act(item, third_party) if "act" in item else None,
        )

    def _proposal(self, item: Mapping[str, Any], third_party: Party) -> MandateProposal:
        valid_from, valid_until = (self._midnight(third_party, day) for day in item["valid_days"])
        looked_up_at = self._office_hour(third_party, item["issued_day"]) - _LOOKED_UP_BEFORE
        details = self._document["parties"][item["principal"]].get("details")
        return MandateProposal(
            template_id=UUID(int=0),
            template_version=_VERSION,
            principal=self._parties[item["principal"]],
            representatives=tuple(self._parties[key] for key in item["representatives"]),
            permissions=tuple(self._codes[item["template"], key] for key in item["permissions"]),
            valid_from=valid_from,
            valid_until=valid_until,
            language=item["language"],
            principal_details=self._details(details, looked_up_at) if details else None,
            permission_details=item.get("details", {}),
        )

    def _details(self, item: Mapping[str, Any], looked_up_at: datetime) -> PrincipalDetails:
        rule = item["signatory_rule"]
        alternatives = tuple(
            SignatoryAlternative(
                frozenset(self._parties[key].party for key in alternative["any_of"]), alternative["count"]
            )
            for alternative in rule["alternatives"]
        )
        return PrincipalDetails(
            item["form"], SignatoryRule(alternatives, rule["text"]), item["source"], looked_up_at
        )

    def _attestation(self, item: Mapping[str, Any]) -> Attestation:
        employee = parse_party(Scheme.USERNAME, item["employee"])
        return Attestation(self._parties[item["by"]], employee, item["statement"])

    def _act(self, item: Mapping[str, Any], third_party: Party) -> Revoked | Used | Suspended:
        act = item["act"]
        at = self._office_hour(third_party, act["day"])
        match act["type"]:
            case "revoke":
                key = item["principal"] if act["by"] == Role.PRINCIPAL else item["representatives"][0]
                return Revoked(at, Role(act["by"]), self._parties[key], act["reason"])
            case "use":
                code = self._codes[item["template"], act["permission"]]
                return Used(at, code, act["case_ref"], self._parties[item["representatives"][0]].party)
            case _:
                return Suspended(at, act["reason"])

    def _client(self, item: Mapping[str, Any]) -> Caller:
        scopes = self._document["scope_sets"][item["scopes"]]
        organisation = self._parties[item["organisation"]].party
        return Caller(item["client_id"], organisation, frozenset(map(Scope, scopes)))

    def _office_hour(self, third_party: Party, day: int) -> datetime:
        return self._local(third_party, day, _OFFICE_OPENS)

    def _midnight(self, third_party: Party, day: int) -> datetime:
        return self._local(third_party, day, time())

    def _local(self, third_party: Party, day: int, clock: time) -> datetime:
        zone = country_zone(third_party) or ZoneInfo("UTC")
        there = self._start.astimezone(zone).date() + timedelta(days=day)
        return datetime.combine(there, clock, zone).astimezone(UTC)


def _years_before(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)
