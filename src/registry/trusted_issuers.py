"""Reads the issuers file: whose access tokens, id tokens and e-ID signatures are believed, by which keys."""

from pathlib import Path
from typing import Annotated, Any

import httpx
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from registry.domain.errors import OperatorError
from registry.domain.parties import Scheme
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


_ENTRIES = TypeAdapter(list[IssuerEntry])


class IssuersFileError(OperatorError):
    """The issuers file is missing or wrong."""


def load_issuers(path: Path | None, http: httpx.AsyncClient) -> tuple[TrustedIssuer, ...]:
    """Read the file; None trusts the built-in issuer alone. Raises IssuersFileError with what is wrong."""
    if path is None:
        return ()
    try:
        trusted = tuple(_trust(entry, http) for entry in _ENTRIES.validate_json(path.read_bytes()))
        index_issuers(trusted)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise IssuersFileError(f"the issuers file {path.name} is wrong: {faults}") from None
    except ValueError as error:
        raise IssuersFileError(f"the issuers file {path.name} is wrong: {error}") from None
    except OSError as error:
        raise IssuersFileError(f"cannot read the issuers file {path.name}: {error.strerror}") from None
    return trusted


def _trust(entry: IssuerEntry, http: httpx.AsyncClient) -> TrustedIssuer:
    return TrustedIssuer(
        issuer=entry.issuer,
        purpose=entry.purpose,
        keys=key_source(entry.jwks, http),
        audiences=entry.audiences,
        algorithms=entry.algorithms,
        person_claims=entry.person_claims,
        name_claim=entry.name_claim,
    )
