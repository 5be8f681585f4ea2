"""A configuration of issuers that could never be met is refused at start."""

from collections.abc import Callable

import pytest

from registry.domain.parties import Scheme
from registry.identity.issuer_keys import StaticKeys
from registry.identity.issuers import Purpose, TrustedIssuer, index_issuers
from token_forge import AUDIENCE, EID_ISSUER, ISSUER

KEYS = StaticKeys({})
OURS = frozenset({AUDIENCE})
PNR = {"pnr": Scheme.SE_PNR}

REFUSED: dict[str, Callable[[], TrustedIssuer]] = {
    "needs its `iss`": lambda: TrustedIssuer("", Purpose.ACCESS_TOKEN, KEYS, OURS),
    "need an audience": lambda: TrustedIssuer(ISSUER, Purpose.ACCESS_TOKEN, KEYS),
    "identify a person": lambda: TrustedIssuer(ISSUER, Purpose.ID_TOKEN, KEYS, OURS),
    "not configured": lambda: TrustedIssuer(EID_ISSUER, Purpose.EID, KEYS),
    "must be some of": lambda: TrustedIssuer(
        ISSUER, Purpose.ACCESS_TOKEN, KEYS, OURS, frozenset({"HS256", "ES256"})
    ),
    "algorithms": lambda: TrustedIssuer(ISSUER, Purpose.ACCESS_TOKEN, KEYS, OURS, frozenset()),
    "se-orgnr does not identify": lambda: TrustedIssuer(
        EID_ISSUER, Purpose.EID, KEYS, person_claims={**PNR, "org": Scheme.SE_ORGNR}
    ),
    "username does not identify": lambda: TrustedIssuer(
        EID_ISSUER, Purpose.EID, KEYS, person_claims={"sub": Scheme.USERNAME}
    ),
}


@pytest.mark.parametrize("message", REFUSED)
def test_refused(message: str) -> None:
    with pytest.raises(ValueError, match=message):
        REFUSED[message]()


def test_one_issuer_serves_several_purposes_but_each_only_once() -> None:
    access = TrustedIssuer(ISSUER, Purpose.ACCESS_TOKEN, KEYS, OURS)
    person = TrustedIssuer(ISSUER, Purpose.ID_TOKEN, KEYS, OURS, person_claims=PNR)
    index = index_issuers([access, person])
    assert index[Purpose.ACCESS_TOKEN, ISSUER] is access
    assert index[Purpose.ID_TOKEN, ISSUER] is person
    with pytest.raises(ValueError, match="configured twice"):
        index_issuers(
            [access, person, TrustedIssuer(ISSUER, Purpose.ID_TOKEN, KEYS, OURS, person_claims=PNR)]
        )
