"""Numbers, periods and the clients' file: what Mina ombud's words mean here."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from party_numbers import swedish
from registry.demo.minaombud import user_public_jwk
from registry.domain.errors import InvalidPartyIdError
from registry.domain.parties import NamedParty, Party, PartyType, Scheme
from registry.identity.schemes import parse_party
from registry.interop.minaombud.clients import MinaOmbudFileError, UserScope, load_clients
from registry.interop.minaombud.numbers import IdentityType, read_identity, show_identity, show_person
from registry.signing.jwk import InvalidKeyError
from registry.signing.rsa_keys import generate_rsa_key, rsa_key_from_jwk

COORDINATION = swedish("20900163001")
GD = swedish("302000000")


@pytest.mark.parametrize(
    ("typ", "value", "party"),
    [
        ("pnr", "198602262381", "se-pnr:198602262381"),
        ("pnr", "19860226-2381", "se-pnr:198602262381"),
        ("samnr", "198602262381", "se-pnr:198602262381"),
        ("samnr", COORDINATION, f"se-samnr:{COORDINATION}"),
        ("pnr", COORDINATION, f"se-samnr:{COORDINATION}"),
        ("orgnr", "5561929323", "se-orgnr:5561929323"),
        ("orgnr", "556192-9323", "se-orgnr:5561929323"),
        ("orgnr", "165561929323", "se-orgnr:5561929323"),
        ("orgnr", "16556192-9323", "se-orgnr:5561929323"),
        ("gdnr", GD, f"se-gdnr:{GD}"),
        ("gdnr", f"16{GD}", f"se-gdnr:{GD}"),
        ("orgnr", f"{GD[:6]}-{GD[6:]}", f"se-gdnr:{GD}"),
        ("gdnr", "5561929323", "se-orgnr:5561929323"),
    ],
)
def test_an_identity_is_read(typ: IdentityType, value: str, party: str) -> None:
    assert str(read_identity(typ, value)) == party


@pytest.mark.parametrize(
    ("typ", "value"),
    [
        ("pnr", "8602262381"),
        ("pnr", "198602262382"),
        ("pnr", "5561929323"),
        ("pnr", ""),
        ("orgnr", "198602262381"),
        ("orgnr", "5561929324"),
        ("orgnr", ""),
        ("gdnr", "3020000001"),
        ("username", "casey"),
    ],
)
def test_a_wrong_identity_is_refused(typ: IdentityType, value: str) -> None:
    with pytest.raises(InvalidPartyIdError):
        read_identity(typ, value)


@pytest.mark.parametrize(
    "party", ["se-pnr:198602262381", f"se-samnr:{COORDINATION}", f"se-gdnr:{GD}", "se-orgnr:5561929323"]
)
def test_what_is_shown_is_read_again(party: str) -> None:
    scheme, _, value = party.partition(":")
    named = NamedParty(parse_party(scheme, value), "Namn")
    shown = show_identity(named)
    assert shown is not None
    assert shown.keys() == {"id", "typ", "namn"}
    assert read_identity(shown["typ"], shown["id"]) == named.party  # type: ignore[arg-type]  # of the test
    assert (show_person(named) is None) is (named.party.type is PartyType.ORGANISATION)


def test_parties_of_other_countries_are_not_shown() -> None:
    assert show_identity(NamedParty(Party(Scheme.DK_CPR, "2512489996"), "Nancy")) is None
    unnamed = show_identity(NamedParty(Party(Scheme.SE_PNR, "198602262381")))
    assert unnamed == {"id": "198602262381", "typ": "pnr", "namn": "198602262381"}


def test_an_rsa_key_survives_storage() -> None:
    key = generate_rsa_key(datetime(2026, 11, 22, tzinfo=UTC))
    again = rsa_key_from_jwk(key.to_private_jwk())
    assert (again.kid, again.public_jwk()) == (key.kid, key.public_jwk())
    assert again.sign(b"payload") == key.sign(b"payload")
    assert "d" not in key.public_jwk()
    assert key.to_private_jwk()["d"] not in repr(key)
    for broken in ({"d": "AQAB"}, {"d": None}, {"kty": "EC"}):
        with pytest.raises(InvalidKeyError):
            rsa_key_from_jwk(key.to_private_jwk() | broken)


ISSUER: dict[str, Any] = {
    "issuer": "https://login.example.test",
    "audiences": ["mina-ombud"],
    "jwks": {"keys": [user_public_jwk()]},
}
CLIENT: dict[str, Any] = {"client_id": "platform", "scopes": ["user:self"], "id_tokens": [ISSUER]}


@pytest.fixture(scope="module")
def http() -> httpx.AsyncClient:
    """Never used: it fetches nothing before somebody asks for a key."""
    return httpx.AsyncClient()


def load(path: Path, document: object, http: httpx.AsyncClient) -> Any:  # noqa: ANN401  # clients by id
    path.write_text(json.dumps(document))
    return load_clients(path, http)


def test_the_clients_file_says_who_may_ask(tmp_path: Path, http: httpx.AsyncClient) -> None:
    machine = {"client_id": "machine", "scopes": ["user:any"]}
    clients = load(tmp_path / "clients.json", [CLIENT, machine], http)
    assert clients["platform"].scopes == (UserScope.SELF,)
    assert clients["platform"].issuers.keys() == {"https://login.example.test"}
    assert (clients["machine"].scopes, clients["machine"].issuers) == ((UserScope.ANY,), {})
    assert load_clients(None, http) == {}
    with pytest.raises(MinaOmbudFileError, match=r"cannot read the file none\.json"):
        load_clients(tmp_path / "none.json", http)


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({}, "valid array"),
        ([CLIENT | {"scopes": []}], "scopes"),
        ([CLIENT | {"scopes": ["user:all"]}], "user:any"),
        ([CLIENT | {"id_tokens": []}], "id_tokens"),
        ([CLIENT | {"issuers": []}], "issuers"),
        ([CLIENT, CLIENT], "twice"),
        ([CLIENT | {"id_tokens": [ISSUER, ISSUER]}], "twice"),
        ([CLIENT | {"id_tokens": [ISSUER | {"audiences": []}]}], "audiences"),
        ([CLIENT | {"id_tokens": [ISSUER | {"jwks": "http://login.example.test"}]}], "https"),
        ([CLIENT | {"id_tokens": [ISSUER | {"jwks": {"keys": []}}]}], "no usable key"),
    ],
    ids=range(10),
)
def test_what_is_wrong_with_the_clients_file_is_said(
    tmp_path: Path, document: object, told: str, http: httpx.AsyncClient
) -> None:
    with pytest.raises(MinaOmbudFileError, match=told):
        load(tmp_path / "clients.json", document, http)
