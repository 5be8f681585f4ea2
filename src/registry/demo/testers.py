"""What a tester asks of the demo: signatures and id tokens of test persons, and a question to begin with."""

from datetime import datetime

from registry.demo.data import read_demo
from registry.demo.eid import id_token_for, parse_person, read_to_be_signed, sign_as
from registry.domain.documents import Json, party_document
from registry.domain.parties import Party
from registry.signing.canonical import digest


def sign_command(person_text: str, to_be_signed: bytes, now: datetime) -> str:
    """Sign as a test person: the compact JWS that is sent as `evidence.data` of a `jws` signature.

    `person_text` is a number or `scheme:value`; `to_be_signed` is the base64url text of that name in an
    answer of the API, or the canonical JSON in it. Raises InvalidPartyIdError, NotToBeSignedError.
    """
    person = parse_person(person_text)
    return sign_as(person, _name(person, now), digest(read_to_be_signed(to_be_signed)), now=now)


def id_token_command(person_text: str, audience: str, now: datetime) -> str:
    """An id token of a test person for the header `Id-Token`, good for five minutes.

    `audience` is the id of the client that acts for the person. Raises InvalidPartyIdError.
    """
    person = parse_person(person_text)
    return id_token_for(person, audience=audience, now=now, name=_name(person, now))


def example_question(now: datetime) -> dict[str, Json]:
    """The body of a verification that the demo permits, asked by `demo-platform`."""
    data = read_demo(now)
    proposal = data.mandates[0].proposal
    return {
        "principal": party_document(proposal.principal.party),
        "representative": party_document(proposal.representatives[0].party),
        "permissions": list(proposal.permissions),
        "purpose": "submission 2026-114",
    }


def _name(person: Party, now: datetime) -> str | None:
    return next((named.name for named in read_demo(now).parties.values() if named.party == person), None)
