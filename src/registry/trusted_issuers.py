"""Reads the issuers file: whose access tokens, id tokens and e-ID signatures are believed, and by what."""

from pathlib import Path
from typing import Annotated, Any, Final, Literal

import httpx
from cryptography import x509
from cryptography.x509.oid import NameOID
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, TypeAdapter, ValidationError

from registry.domain.errors import OperatorError
from registry.domain.parties import Scheme
from registry.identity.eid_roots import EidRoots
from registry.identity.issuer_keys import key_source
from registry.identity.issuers import DEFAULT_ALGORITHMS, Purpose, TrustedIssuer, index_issuers


class IssuerEntry(BaseModel):
    """One issuer for one purpose, as the file has it. `jwks` is an address or the key set itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: str
    purpose: Purpose
    jwks: str | dict[str, Any]
    audiences: frozenset[str] = frozenset()
    algorithms: frozenset[str] = DEFAULT_ALGORITHMS
    person_claims: Annotated[dict[str, Scheme], Field(description="Claim name to identifier scheme")] = {}
    name_claim: str = "name"


class RootsEntry(BaseModel):
    """An e-ID that signs with certificates, as the file has it. `certificates` are its roots in PEM.

    The person is named by `person_attribute` of a certificate's subject (a name of RFC 4519 or an object
    identifier) in one of `person_schemes`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: str
    purpose: Literal["eid_roots"]
    certificates: Annotated[list[str], Field(min_length=1)]
    person_attribute: Annotated[
        str, Field(pattern=r"^(serialNumber|uniqueIdentifier|[0-9]+(\.[0-9]+)+)$")
    ] = "serialNumber"
    person_schemes: Annotated[list[Scheme], Field(min_length=1)] = [Scheme.SE_PNR]
    requires_ocsp: bool = True


def _kind(entry: object) -> str:
    is_roots = isinstance(entry, dict) and entry.get("purpose") == _ROOTS
    return _ROOTS if is_roots else _TOKENS


_TOKENS: Final = "tokens"
_ROOTS: Final = "eid_roots"
_ATTRIBUTES: Final = {
    "serialNumber": NameOID.SERIAL_NUMBER,
    "uniqueIdentifier": NameOID.X500_UNIQUE_IDENTIFIER,
}
_Entry = Annotated[
    Annotated[IssuerEntry, Tag(_TOKENS)] | Annotated[RootsEntry, Tag(_ROOTS)], Discriminator(_kind)
]
_ENTRIES: TypeAdapter[list[IssuerEntry | RootsEntry]] = TypeAdapter(list[_Entry])


class IssuersFileError(OperatorError):
    """The issuers file is missing or wrong."""


def load_issuers(path: Path | None, http: httpx.AsyncClient) -> tuple[TrustedIssuer | EidRoots, ...]:
    """Read the file; None trusts the built-in issuer alone. Raises IssuersFileError with what is wrong."""
    if path is None:
        return ()
    try:
        trusted = tuple(_trust(entry, http) for entry in _ENTRIES.validate_json(path.read_bytes()))
        index_issuers(trusted)
    except ValidationError as error:
        faults = "; ".join(f"{_place(item['loc'])}: {item['msg']}" for item in error.errors())
        raise IssuersFileError(f"the issuers file {path.name} is wrong: {faults}") from None
    except ValueError as error:
        raise IssuersFileError(f"the issuers file {path.name} is wrong: {error}") from None
    except OSError as error:
        raise IssuersFileError(f"cannot read the issuers file {path.name}: {error.strerror}") from None
    return trusted


def _place(path: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in path if part not in {_TOKENS, _ROOTS})


def _trust(entry: IssuerEntry | RootsEntry, http: httpx.AsyncClient) -> TrustedIssuer | EidRoots:
    if isinstance(entry, RootsEntry):
        attribute = _ATTRIBUTES.get(entry.person_attribute)
        return EidRoots(
            issuer=entry.issuer,
            certificates=tuple(_read_certificate(pem, entry.issuer) for pem in entry.certificates),
            person_schemes=tuple(entry.person_schemes),
            person_attribute=attribute or x509.ObjectIdentifier(entry.person_attribute),
            requires_ocsp=entry.requires_ocsp,
        )
    return TrustedIssuer(
        issuer=entry.issuer,
        purpose=entry.purpose,
        keys=key_source(entry.jwks, http),
        audiences=entry.audiences,
        algorithms=entry.algorithms,
        person_claims=entry.person_claims,
        name_claim=entry.name_claim,
    )


def _read_certificate(pem: str, issuer: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem.encode())
    except ValueError as error:
        raise ValueError(f"{issuer}: a certificate is not in PEM") from error
