"""The demo's e-ID issuer: it signs as any test person, since its private key is published with the demo.

What it signs proves nothing. Only the demo trusts it (`registry.demo.trusted`), never a registry
with real mandates.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Final

from registry.domain.documents import Json
from registry.domain.errors import InvalidPartyIdError, RegistryError
from registry.domain.mandate import EVIDENCE_TYPE
from registry.domain.parties import Party, Scheme
from registry.identity.schemes import parse_party
from registry.signing.canonical import canonical_bytes
from registry.signing.encodings import decode_base64url, encode_base64url, parse_json_object
from registry.signing.jose import SigningKey, sign_compact, signing_key_from_jwk

ISSUER: Final = "https://eid.demo.invalid"
PERSON_CLAIMS: Final[Mapping[str, Scheme]] = MappingProxyType(
    {
        "https://claims.oidc.se/1.0/personalNumber": Scheme.SE_PNR,
        "https://claims.oidc.se/1.0/coordinationNumber": Scheme.SE_SAMNR,
        "https://data.gov.dk/model/core/eid/cprNumber": Scheme.DK_CPR,
    }
)
"""The claims that name a person: those of the Swedish OpenID Connect profile, and that of OIOSAML 3."""

ID_TOKEN_LIFETIME: Final = timedelta(minutes=5)

_KEY_FILE: Final = Path(__file__).with_name("eid-issuer.jwk.json")
_DANISH_DIGITS: Final = 10
_CLAIM_OF: Final = {scheme: claim for claim, scheme in PERSON_CLAIMS.items()}


class NotToBeSignedError(RegistryError):
    """Send `to_be_signed` unchanged: its base64url text, or the canonical JSON (RFC 8785) that it encodes."""


def sign_as(person: Party, name: str | None, content_digest: bytes, *, now: datetime) -> str:
    """Sign the content with this SHA-256 as a person: `jws` evidence, a compact JWS.

    Raises InvalidPartyIdError (`unknown_scheme`) for a party that the issuer has no claim for.
    """
    claims: dict[str, Json] = {
        **_claims(person, name, now),
        "content_digest": encode_base64url(content_digest),
    }
    return sign_compact(canonical_bytes(claims), demo_signing_key(), typ=EVIDENCE_TYPE)


def id_token_for(person: Party, *, audience: str, now: datetime, name: str | None = None) -> str:
    """An id token by which the person acts through the client `audience` for the next five minutes.

    Raises as `sign_as`.
    """
    claims: dict[str, Json] = {
        **_claims(person, name, now),
        # A pseudonym, as issuers give: the number itself stands in its own claim only.
        "sub": encode_base64url(sha256(f"{ISSUER}:{person}".encode()).digest()),
        "aud": audience,
        "exp": int((now + ID_TOKEN_LIFETIME).timestamp()),
    }
    return sign_compact(canonical_bytes(claims), demo_signing_key(), typ="JWT")


def parse_person(text: str) -> Party:
    """Read a person as a tester writes it: `scheme:value`, or the number alone.

    A number alone is a Swedish personal or coordination number (12 digits) or a Danish one (10 digits).
    Raises InvalidPartyIdError.
    """
    scheme, colon, value = text.strip().partition(":")
    if colon:
        return _require_claim(parse_party(scheme, value))
    number = scheme
    if len(number.replace("-", "")) == _DANISH_DIGITS:
        return parse_party(Scheme.DK_CPR, number)
    # 60 is added to the day of a coordination number.
    return parse_party(Scheme.SE_SAMNR if number[6:8] >= "60" else Scheme.SE_PNR, number)


def read_to_be_signed(data: bytes) -> bytes:
    """The exact bytes to sign, from their base64url text (quotes and white space around it do not count).

    The canonical JSON itself is taken, too. Raises NotToBeSignedError for anything else, also for JSON that
    is not in canonical form: its signature would not hold.
    """
    text = data.strip()
    try:
        content = text if text.startswith(b"{") else decode_base64url(text.strip(b'"').decode("ascii"))
        canonical = canonical_bytes(parse_json_object(content))  # type: ignore[arg-type]  # parsed JSON is a document
    except (ValueError, TypeError):
        raise NotToBeSignedError from None
    if canonical != content:
        raise NotToBeSignedError
    return content


def _claims(person: Party, name: str | None, now: datetime) -> dict[str, Json]:
    _require_claim(person)
    claims: dict[str, Json] = {
        "iss": ISSUER,
        "iat": int(now.timestamp()),
        _CLAIM_OF[person.scheme]: person.value,
    }
    return claims if name is None else {**claims, "name": name}


def _require_claim(person: Party) -> Party:
    if person.scheme not in _CLAIM_OF:
        raise InvalidPartyIdError("unknown_scheme", f"The demo issuer knows {', '.join(_CLAIM_OF)}.")
    return person


@lru_cache(maxsize=1)
def demo_signing_key() -> SigningKey:
    """The issuer's key, which everybody knows."""
    return signing_key_from_jwk(json.loads(_KEY_FILE.read_bytes()))
