"""Which clients may ask in Mina ombud's words, for whom, and whose id tokens of users they bring.

One JSON file, read when a process starts: a client that is not in it gets no token here, whatever its scopes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final, Self

import httpx
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from registry.domain.errors import OperatorError
from registry.domain.parties import Scheme
from registry.identity.issuer_keys import key_source
from registry.identity.issuers import Purpose, TrustedIssuer

PERSON_CLAIMS: Final[Mapping[str, Scheme]] = MappingProxyType(
    {
        "https://claims.oidc.se/1.0/personalNumber": Scheme.SE_PNR,
        "https://claims.oidc.se/1.0/coordinationNumber": Scheme.SE_SAMNR,
    }
)
ALGORITHMS: Final = frozenset({"RS256", "RS384", "RS512"})


class UserScope(StrEnum):
    """For whom a client asks.

    `user:self` is an end user who is a party, `user:other` a case handler of the third party, `user:any` a
    machine of the third party.
    """

    SELF = "user:self"
    OTHER = "user:other"
    ANY = "user:any"


class MinaOmbudFileError(OperatorError):
    """The file of Mina ombud's clients is missing or wrong."""


@dataclass(frozen=True, slots=True)
class ConfiguredClient:
    """What a client may ask for here, and by `iss` whose id tokens it may bring."""

    scopes: tuple[UserScope, ...]
    issuers: Mapping[str, TrustedIssuer]


class IdTokenEntry(BaseModel):
    """An issuer of a client's id tokens, as the file has it. `jwks` is an address or the key set itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: Annotated[str, Field(min_length=1)]
    audiences: Annotated[frozenset[str], Field(min_length=1)]
    jwks: str | dict[str, Any]


class ClientEntry(BaseModel):
    """A client, as the file has it. Users are known by their id tokens, machines by none."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    client_id: Annotated[str, Field(min_length=1)]
    scopes: Annotated[list[UserScope], Field(min_length=1)]
    id_tokens: list[IdTokenEntry] = []

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.id_tokens and not set(self.scopes) <= {UserScope.ANY}:
            raise ValueError("name the issuers of the users' id tokens in `id_tokens`")
        return self


_ENTRIES: TypeAdapter[list[ClientEntry]] = TypeAdapter(list[ClientEntry])


def load_clients(path: Path | None, http: httpx.AsyncClient) -> Mapping[str, ConfiguredClient]:
    """Read the file; None configures nobody. Raises MinaOmbudFileError with what is wrong."""
    if path is None:
        return {}
    try:
        entries = _ENTRIES.validate_json(path.read_bytes())
        clients = {entry.client_id: _configure(entry, http) for entry in entries}
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise MinaOmbudFileError(f"the file {path.name} is wrong: {faults}") from None
    except ValueError as error:
        raise MinaOmbudFileError(f"the file {path.name} is wrong: {error}") from None
    except OSError as error:
        raise MinaOmbudFileError(f"cannot read the file {path.name}: {error.strerror}") from None
    if len(clients) < len(entries):
        raise MinaOmbudFileError(f"the file {path.name} is wrong: it names a client twice")
    return clients


def _configure(entry: ClientEntry, http: httpx.AsyncClient) -> ConfiguredClient:
    issuers = {
        item.issuer: TrustedIssuer(
            issuer=item.issuer,
            purpose=Purpose.ID_TOKEN,
            keys=key_source(item.jwks, http),
            audiences=item.audiences,
            algorithms=ALGORITHMS,
            person_claims=PERSON_CLAIMS,
        )
        for item in entry.id_tokens
    }
    if len(issuers) < len(entry.id_tokens):
        raise ValueError(f"{entry.client_id} has an issuer twice")
    return ConfiguredClient(tuple(dict.fromkeys(entry.scopes)), issuers)
