"""Issuers that the registry believes, each for one purpose, and the keys or roots it believes them by."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from registry.domain.parties import Party, PartyType, Scheme
from registry.identity.eid_roots import EidRoots
from registry.signing.jose import (
    InvalidTokenError,
    VerificationKey,
    claims,
    parse_compact,
    require_type,
    verify_signature,
)
from registry.signing.jwk import ALGORITHMS

DEFAULT_ALGORITHMS = frozenset({"ES256", "RS256"})


class Purpose(StrEnum):
    """What an issuer is trusted for. One that serves several purposes is configured once for each."""

    ACCESS_TOKEN = "access_token"  # noqa: S105  # a purpose, not a secret
    ID_TOKEN = "id_token"  # noqa: S105  # as above
    EID = "eid"


class KeySource(Protocol):
    """Where an issuer's keys come from: its configuration, its JWKS address, the registry's own key ring."""

    async def find(self, kid: str) -> VerificationKey | None:
        """Give the issuer's key with this id, None if it has none.

        Raises UnavailableError when the issuer's keys cannot be known just now.
        """


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """One issuer for one purpose.

    `issuer` is compared with `iss` character by character. `audiences` are the names under which the issuer
    knows the registry; an access token must name one, and so must e-ID evidence where any are given.
    `person_claims` maps the names of claims that identify a person to their identifier schemes.
    Raises ValueError for a configuration that could never be met.
    """

    issuer: str
    purpose: Purpose
    keys: KeySource
    audiences: frozenset[str] = frozenset()
    algorithms: frozenset[str] = DEFAULT_ALGORITHMS
    person_claims: Mapping[str, Scheme] = field(default_factory=dict)
    name_claim: str = "name"

    def __post_init__(self) -> None:
        """Refuse what could never be met."""
        if not self.issuer:
            raise ValueError("a trusted issuer needs its `iss`")
        if not self.algorithms or not self.algorithms <= ALGORITHMS:
            raise ValueError(f"{self.issuer}: algorithms must be some of {', '.join(sorted(ALGORITHMS))}")
        if self.purpose is Purpose.ACCESS_TOKEN:
            if not self.audiences:
                raise ValueError(f"{self.issuer}: access tokens need an audience, the registry's own name")
        elif not self.person_claims:
            raise ValueError(f"{self.issuer}: the claims that identify a person are not configured")
        for scheme in self.person_claims.values():
            if Party(scheme, "").type is not PartyType.PERSON:
                raise ValueError(f"{self.issuer}: {scheme} does not identify persons")


class TrustedIssuers(Mapping[tuple[Purpose, str], TrustedIssuer]):
    """Issuers of tokens by purpose and `iss`; beside them the roots of e-IDs that sign with certificates."""

    def __init__(
        self, tokens: Mapping[tuple[Purpose, str], TrustedIssuer], roots: tuple[EidRoots, ...]
    ) -> None:
        """Take what `index_issuers` has sorted; it does not change."""
        self._tokens = tokens
        self.eid_roots = roots

    def __getitem__(self, key: tuple[Purpose, str]) -> TrustedIssuer:
        return self._tokens[key]

    def __iter__(self) -> Iterator[tuple[Purpose, str]]:
        return iter(self._tokens)

    def __len__(self) -> int:
        return len(self._tokens)


def index_issuers(issuers: Iterable[TrustedIssuer | EidRoots]) -> TrustedIssuers:
    """Index issuers by purpose and `iss`. Raises ValueError when one is configured twice for one purpose."""
    index: dict[tuple[Purpose, str], TrustedIssuer] = {}
    roots: dict[str, EidRoots] = {}
    for issuer in issuers:
        if isinstance(issuer, EidRoots):
            if roots.setdefault(issuer.issuer, issuer) is not issuer:
                raise ValueError(f"{issuer.issuer} is configured twice with roots")
        elif index.setdefault((issuer.purpose, issuer.issuer), issuer) is not issuer:
            raise ValueError(f"{issuer.issuer} is configured twice as issuer for {issuer.purpose}")
    return TrustedIssuers(index, tuple(roots.values()))


async def verify_issued(
    token: str, issuers: TrustedIssuers, purpose: Purpose, *, typ: str | frozenset[str | None]
) -> tuple[TrustedIssuer, dict[str, object]]:
    """Verify that a trusted issuer signed this token, and give the issuer and the claims.

    Nothing is fetched for a token that is refused anyway, and never from an address in the token.
    The claims are still to be judged. Raises InvalidTokenError; UnavailableError from the issuer's keys.
    """
    jws = parse_compact(token)
    require_type(jws, typ)
    members = claims(jws.payload)
    name = members.get("iss")
    issuer = issuers.get((purpose, name)) if isinstance(name, str) else None
    if issuer is None:
        raise InvalidTokenError("iss", "its `iss` is not an issuer that the registry trusts for this purpose")
    if jws.alg not in issuer.algorithms:
        raise InvalidTokenError("alg", "its `alg` is not one that its issuer signs with")
    verify_signature(jws, None if jws.kid is None else await issuer.keys.find(jws.kid))
    return issuer, members
