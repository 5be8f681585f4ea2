"""The demo's e-ID issuer as a demo registry trusts it."""

from registry.demo.eid import ISSUER, PERSON_CLAIMS, demo_signing_key
from registry.identity.issuer_keys import StaticKeys
from registry.identity.issuers import Purpose, TrustedIssuer


def trusted_demo_issuers() -> list[TrustedIssuer]:
    """For signatures and for id tokens."""
    key = demo_signing_key()
    keys = StaticKeys({key.kid: key.verification_key})
    return [
        TrustedIssuer(ISSUER, purpose, keys, person_claims=PERSON_CLAIMS, algorithms=frozenset({"ES256"}))
        for purpose in (Purpose.EID, Purpose.ID_TOKEN)
    ]
