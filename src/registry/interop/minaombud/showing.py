"""Mandates and templates in Mina ombud's words. What is absent is left out, never null."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from registry.domain.documents import Json, utc_text
from registry.domain.events import MandateEvent, Status
from registry.domain.mandate import Capacity, Mandate, MandateContent
from registry.domain.parties import NamedParty, Party, PartyType
from registry.domain.template import Role, TemplateContent, TemplateVersion, Texts, best_language
from registry.interop.minaombud.bodies import OVER
from registry.interop.minaombud.numbers import show_identities, show_identity, show_person, show_role
from registry.operations.list_powers import Powers
from registry.operations.read_whole_mandates import WholeMandate

Shown = dict[str, Json]

_SWEDEN: Final = ZoneInfo("Europe/Stockholm")
_PARTS: Final = {
    Role.PRINCIPAL: "FULLMAKTSGIVARE",
    Role.REPRESENTATIVE: "FULLMAKTSHAVARE",
    Role.THIRD_PARTY: "TREDJEMAN",
    Role.REGISTRAR: "TREDJEMAN",
}
_LAST_INSTANT: Final = timedelta(microseconds=1)


def show_time(moment: datetime) -> str:
    """A time in whole seconds: a client that reads and writes it again writes the same."""
    return utc_text(moment.astimezone(UTC).replace(microsecond=0))


def show_context(powers: Powers, now: datetime) -> Shown | None:
    """A `kontext`, unsigned; None where a party in it has no number that Mina ombud knows."""
    content = powers.mandate.content
    parties = _show_parties(content)
    if parties is None:
        return None
    return {
        "tredjeman": content.third_party.party.value,
        **parties,
        "behorigheter": [{"kod": item.code, "fullmakt": str(item.mandate_id)} for item in powers.permissions],
        "tidpunkt": show_time(now),
    }


def show_list_item(whole: WholeMandate) -> Shown | None:
    """A mandate in a list; None as in `show_context`."""
    mandate, content = whole.mandate, whole.mandate.content
    parties = _show_parties(content)
    if parties is None:
        return None
    return {
        "id": str(mandate.id),
        "tredjeman": content.third_party.party.value,
        **parties,
        "rubrik": _text(whole.terms.title, content.language) or str(mandate.id),
        **_show_period(content),
        **_show_standing(whole),
    }


def show_whole(whole: WholeMandate, now: datetime) -> Shown | None:
    """A whole mandate with its metadata, unsigned; None as in `show_context`."""
    mandate, content, terms = whole.mandate, whole.mandate.content, whole.terms
    parties = _show_parties(content)
    if parties is None:
        return None
    signers = _signers(mandate)
    title = _text(terms.title, content.language) or str(mandate.id)
    origin: Shown = {"mall": str(content.template_id)}
    if content.parent is not None:
        origin["fullmakt"] = str(content.parent)
    third_party = content.third_party
    return {
        "fullmakt": {
            "id": str(mandate.id),
            "ursprung": origin,
            "rubrik": title,
            "beskrivning": _text(terms.description, content.language) or title,
            "skapare": show_identity(signers[0]) or parties["fullmaktsgivare"],
            "tredjeman": {"id": third_party.party.value, "namn": third_party.name or third_party.party.value},
            **parties,
            "signatarer": list(_show_signatories(mandate)),
            "behorigheter": [_show_permission(code, terms, content.language) for code in content.permissions],
            **_show_period(content),
            "transportfullmakt": False,
            "vidaredelning": len(mandate.ancestors) < terms.delegation.max_depth,
        },
        "metadata": {
            **_show_standing(whole),
            "underskrifter": [
                {"person": person, "tidpunkt": show_time(item.signed_at)}
                for item, signer in zip(mandate.signatures, signers, strict=True)
                if (person := show_person(signer)) is not None
            ],
        },
        "svarstidpunkt": show_time(now),
    }


def show_template(version: TemplateVersion) -> Shown:
    """A template: what a mandate on it can hold, and the services that are bound to it."""
    content = version.content
    language = best_language(content.title, ("sv",)) or "sv"
    shown: Shown = {
        "id": str(version.id),
        "version": version.version,
        "rubrik": _text(content.title, language) or str(version.id),
        "behorigheter": [_show_permission(item.code, content, language) for item in content.permissions],
        "tjanster": list(content.services),
    }
    description = _text(content.description, language)
    return shown if description is None else {**shown, "beskrivning": description}


def _show_parties(content: MandateContent) -> Shown | None:
    principal, holders = show_identity(content.principal), show_identities(content.representatives)
    if principal is None or holders is None:
        return None
    return {
        "fullmaktsgivare": principal,
        "fullmaktsgivarroll": show_role(content.principal_role),
        "fullmaktshavare": list(holders),
    }


def _show_period(content: MandateContent) -> Shown:
    """Civil dates in Sweden, the last one the last on which the mandate is valid."""
    period: Shown = {"giltigFrom": content.valid_from.astimezone(_SWEDEN).date().isoformat()}
    if content.valid_until is not None:
        last = (content.valid_until - _LAST_INSTANT).astimezone(_SWEDEN).date()
        period["giltigTom"] = last.isoformat()
    return period


def _show_standing(whole: WholeMandate) -> Shown:
    standing: Shown = {
        "referensnummer": str(whole.mandate.id),
        "registreringstidpunkt": show_time(whole.mandate.issued_at),
        "status": _show_status(whole.status),
    }
    revoked = None if whole.ending is None else _show_revocation(whole.ending, whole.mandate)
    return standing if revoked is None else {**standing, "aterkallad": revoked}


def _show_status(status: Status) -> str:
    if status in OVER:
        return "HISTORISK"
    return "GILTIG" if status is Status.ACTIVE else "AKTUELL"


def _show_revocation(ending: MandateEvent, mandate: Mandate) -> Shown | None:
    author = ending.author
    party = author.employee or author.party
    person = show_identity(NamedParty(party, _names(mandate).get(party)))
    if person is None:
        return None
    return {"part": _PARTS[author.role], "person": person, "tidpunkt": show_time(ending.at)}


def _names(mandate: Mandate) -> Mapping[Party, str]:
    content = mandate.content
    named = (content.third_party, content.principal, *content.representatives)
    signers = (signature.signer for signature in mandate.signatures)
    return {item.party: item.name for item in (*named, *signers) if item.name is not None}


def _signers(mandate: Mandate) -> list[NamedParty]:
    """Who signed, in the order of the signatures, by the names that the mandate knows them by."""
    names = _names(mandate)
    parties = (signature.signer.party for signature in mandate.signatures)
    return [NamedParty(party, names.get(party)) for party in parties]


def _show_signatories(mandate: Mandate) -> list[Shown]:
    """Who signed: persons for themselves, or for the organisation that grants."""
    principal = mandate.content.principal
    of_organisation: list[Shown] = []
    shown: list[Shown] = []
    for signature, signer in zip(mandate.signatures, _signers(mandate), strict=True):
        person = show_person(signer)
        is_signatory = signature.capacity in {Capacity.SIGNATORY, Capacity.PRINCIPAL}
        if person is None:
            organisation = show_identity(signer)
            if organisation is not None and signer.party.type is PartyType.ORGANISATION:
                shown.append({"juridiskSignatar": {"juridiskPerson": organisation, "foretradare": []}})
        elif is_signatory and principal.party.type is PartyType.ORGANISATION:
            of_organisation.append(person)
        else:
            shown.append({"fysiskPerson": person})
    if of_organisation:
        shown.insert(
            0,
            {
                "juridiskSignatar": {
                    "juridiskPerson": show_identity(principal),
                    "foretradare": list(of_organisation),
                }
            },
        )
    return shown


def _show_permission(code: str, terms: TemplateContent, language: str) -> Shown:
    permission = terms.permission(code)
    title = None if permission is None else _text(permission.title, language)
    description = None if permission is None else _text(permission.description, language)
    shown: Shown = {"kod": code, "rubrik": title or code}
    return shown if description is None else {**shown, "beskrivning": description}


def _text(texts: Texts, language: str) -> str | None:
    chosen = best_language(texts, (language,))
    return None if chosen is None else texts[chosen]
