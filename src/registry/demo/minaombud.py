"""The demo's Mina ombud clients, and the key by which their users' id tokens are signed: published, too.

What the key signs proves nothing. Only the demo trusts it.
"""

import json
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Final

import orjson

from registry.demo.eid import PERSON_CLAIMS
from registry.domain.documents import Json
from registry.domain.errors import InvalidPartyIdError
from registry.domain.parties import Party
from registry.signing.canonical import canonical_bytes
from registry.signing.encodings import encode_base64url
from registry.signing.rsa_keys import RsaSigningKey, rsa_key_from_jwk

DEMO_MINAOMBUD_CLIENTS: Final = Path(__file__).with_name("minaombud-clients.json")
"""The clients of the demo that may ask in Mina ombud's words."""

DEMO_USER_KEY: Final = Path(__file__).with_name("minaombud-user-key.jwk.json")
"""The private key, as a JWK: a client that signs its users' id tokens itself reads it."""

ISSUER, AUDIENCE = "http://localhost", "mina-ombud"
LIFETIME: Final = timedelta(minutes=5)

_CLAIM_OF: Final = {
    scheme: claim for claim, scheme in PERSON_CLAIMS.items() if claim.startswith("https://claims.oidc.se/")
}


def user_token(*, now: datetime, person: Party | None = None, username: str | None = None) -> str:
    """An id token for `X-Id-Token`, good for five minutes: of a test person, a case handler, or both.

    Raises InvalidPartyIdError for a party that is no Swedish person.
    """
    claims: dict[str, Json] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": encode_base64url(sha256(f"{person}/{username}".encode()).digest()),
        "iat": int(now.timestamp()),
        "exp": int((now + LIFETIME).timestamp()),
    }
    if person is not None:
        if person.scheme not in _CLAIM_OF:
            raise InvalidPartyIdError("unknown_scheme", f"Expected one of {', '.join(_CLAIM_OF)}.")
        claims[_CLAIM_OF[person.scheme]] = person.value
    if username is not None:
        claims["preferred_username"] = username
    key = _user_key()
    header = orjson.dumps({"alg": "RS256", "kid": key.kid, "typ": "JWT"})
    signing_input = f"{encode_base64url(header)}.{encode_base64url(canonical_bytes(claims))}"
    return f"{signing_input}.{encode_base64url(key.sign(signing_input.encode('ascii')))}"


def user_public_jwk() -> dict[str, str]:
    """The public half of the key that signs the users' id tokens."""
    return _user_key().public_jwk()


@lru_cache(maxsize=1)
def _user_key() -> RsaSigningKey:
    return rsa_key_from_jwk(json.loads(DEMO_USER_KEY.read_bytes()))
