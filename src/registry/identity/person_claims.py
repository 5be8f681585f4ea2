"""The person that an e-ID or an id token names."""

from collections.abc import Mapping

from registry.domain.errors import InvalidPartyIdError
from registry.domain.parties import Party
from registry.identity.issuers import TrustedIssuer
from registry.identity.schemes import parse_party
from registry.signing.jose import InvalidTokenError


def require_person(claims: Mapping[str, object], issuer: TrustedIssuer) -> Party:
    """Give the one person named by the issuer's person claims.

    A claim that is null counts as absent. Raises InvalidTokenError with the reason `person` when there is no
    such claim, one is invalid in its scheme, or two name different persons.
    """
    persons = {
        _read_person(claims[name], name, scheme)
        for name, scheme in issuer.person_claims.items()
        if claims.get(name) is not None
    }
    if len(persons) != 1:
        names = ", ".join(f"`{name}`" for name in issuer.person_claims)
        raise InvalidTokenError("person", f"it must name exactly one person by the claim {names}")
    return persons.pop()


def _read_person(value: object, name: str, scheme: str) -> Party:
    if not isinstance(value, str):
        raise InvalidTokenError("person", f"its `{name}` must be text")
    try:
        return parse_party(scheme, value)
    except InvalidPartyIdError as error:
        raise InvalidTokenError("person", f"its `{name}` is not a valid {scheme}: {error.code}") from error
