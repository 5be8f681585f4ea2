"""The issuers file: token issuers and e-ID roots, and a plain word on what is wrong with it."""

import json
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from bankid_trials import eid
from factories import Json
from registry.domain.parties import Scheme
from registry.identity.eid_roots import EidRoots
from registry.identity.issuers import Purpose, index_issuers
from registry.trusted_issuers import IssuersFileError, load_issuers

ROOTS: Json = {"issuer": "https://bankid.example", "purpose": "eid_roots", "certificates": ["the root's"]}
TOKENS: Json = {
    "issuer": "https://login.example",
    "purpose": "access_token",
    "jwks": "https://login.example/jwks",
    "audiences": ["https://registry.example"],
}


def written(tmp_path: Path, *entries: Json) -> Path:
    path = tmp_path / "issuers.json"
    pem = eid().root.certificate.public_bytes(Encoding.PEM).decode()
    path.write_text(json.dumps(entries).replace(json.dumps("the root's"), json.dumps(pem)))
    return path


async def test_issuers_and_roots_side_by_side(tmp_path: Path) -> None:
    more = {
        "person_attribute": "1.2.752.29.4.13",
        "person_schemes": ["se-pnr", "se-samnr"],
        "requires_ocsp": False,
    }
    named = ROOTS | {"issuer": "https://other.example"} | more
    async with httpx.AsyncClient() as http:
        trusted = index_issuers(load_issuers(written(tmp_path, TOKENS, ROOTS, named), http))
    assert list(trusted) == [(Purpose.ACCESS_TOKEN, "https://login.example")]
    first, second = trusted.eid_roots
    assert first == EidRoots("https://bankid.example", (eid().root.certificate,))
    assert (first.person_schemes, first.person_attribute) == ((Scheme.SE_PNR,), NameOID.SERIAL_NUMBER)
    assert first.requires_ocsp
    assert second.person_attribute.dotted_string == "1.2.752.29.4.13"
    assert second.person_schemes == (Scheme.SE_PNR, Scheme.SE_SAMNR)
    assert not second.requires_ocsp


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([ROOTS | {"certificates": ["x"]}], "not in PEM"),
        ([ROOTS | {"certificates": []}], r"0\.certificates"),
        ([ROOTS | {"jwks": {}}], r"0\.jwks"),
        ([ROOTS | {"person_attribute": "commonName"}], r"0\.person_attribute"),
        ([ROOTS | {"person_schemes": ["se-orgnr"]}], "does not identify"),
        ([ROOTS, ROOTS], "configured twice"),
        ([TOKENS, TOKENS], "configured twice"),
        ([TOKENS | {"purpose": "x"}], r"0\.purpose"),
        (["x"], "0: "),
    ],
)
async def test_what_is_wrong_is_told(tmp_path: Path, entries: list[Json], message: str) -> None:
    async with httpx.AsyncClient() as http:
        with pytest.raises(IssuersFileError, match=message):
            load_issuers(written(tmp_path, *entries), http)
