"""What the examples share: who takes part, which ids, and how signed things look."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from registry.signing.canonical import canonical_bytes
from registry.signing.encodings import encode_base64url

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Example:
    """The example of an operation: its successful answer, and its request where it has a body.

    `parameters` are those that differ from what they are elsewhere.
    """

    answer: Any
    request: Json | None = None
    parameters: Json = field(default_factory=dict)


def party(scheme: str, value: str, name: str | None = None) -> Json:
    """A party in a request: the name is left out where there is none."""
    return {"scheme": scheme, "value": value} | ({} if name is None else {"name": name})


SUNDSVALL = party("se-orgnr", "2120002411", "Sundsvalls kommun")
BOKFORINGSBYRA = party("se-orgnr", "5561929323", "TB Bokföringsbyrå AB")
ALYCKAN = party("se-orgnr", "5563813962", "TB Ålyckan AB")
TEST_PERSSON = party("se-pnr", "193504049135", "Test Persson")
HERMAN = party("se-pnr", "195004112354", "Herman Ört")
PETRONELLA = party("se-pnr", "198602102389", "Petronella Malteskog")
MARIA = party("se-pnr", "196709132887", "Maria Johansson")
JENNY = party("se-pnr", "198101052382", "Jenny Svensson")
CLERK = party("username", "anna.andersson")

SERVICE = "oep-serveringstillstand"
FILL_IN_FOOD = "67b28fd2-1b07-5162-9843-a8dfda6e183f"
ALCOHOL = "ceb9028a-ffce-4b9a-adca-165972fec48a"
STAFF = "96e5c3f8-126d-5f6b-a328-819a977d1a59"
CATERING = "30e039f1-4b0a-5b4d-81d1-b290741d30c8"

TEMPLATE_ID = "01a1ff99-dfd2-7472-85e4-182f68fc4c0e"
DRAFT_ID = "01a1ff9a-0b31-7c55-9a0e-5d2f7be41a90"
MANDATE_ID = "01a1ff99-e247-736b-8ab5-1240e559611c"
OTHER_MANDATE_ID = "01a1ff99-e3cf-71bb-b3cc-f381bcadb2be"
NEW_MANDATE_ID = "01a1ff99-e8aa-7303-bbcb-1e7d11e02c1b"
REQUEST_ID = "01a1ff99-eb6d-7a10-9c5e-2f8d14c07b33"
EVENT_ID = "01a1ff99-ea26-7543-8783-0cca10627877"
OTHER_EVENT_ID = "01a1ff99-eee4-7c02-a41f-91d3b07e2c58"
APPROVAL_ID = "01a1ff99-ed11-7b08-8f5c-2b9d3e7f4a60"
RESTRICTION_ID = "01a1ff99-eba2-7c41-9d0e-6b1f6a0c7d55"
ENDPOINT_ID = "01a1ff99-f0c4-7d12-8b6e-3a5f9c2e7d81"
DELIVERY_ID = "01a1ff99-f1d7-7e25-9c3a-4b8e6d1f0a92"

NOW = "2026-11-21T09:00:00Z"
VALID_FROM, VALID_UNTIL = "2026-08-22T22:00:00Z", "2028-08-21T22:00:00Z"
CLIENT = "urn:registry:client:demo-platform"
CONSISTENCY_TOKEN = "awHyH3o5qiQAAAABAAAAAAG-wsCQw5mrtHsV-ocV8OdPs5be"  # noqa: S105  # opaque, and no secret
ISSUER = "https://registry.example"
KEY_ID = "20261121-9939705d"

_SIGNATURE = "6NCDwfp3KO3DK32EoEE5wLgreckHIHM0LhJx949i3A3tedV_Lm8hNKAjUkDt-N1Qj0xV0UweY5QLcI6A5AuUEg"


def nameless(named: Json) -> Json:
    """A party in a question, or in a record that keeps no name."""
    return {"scheme": named["scheme"], "value": named["value"]}


def compact_jws(payload: Mapping[str, Any], *, typ: str, kid: str = KEY_ID) -> str:
    """How a signed document looks on the wire. The signature is of the right form; it signs nothing."""
    header = {"alg": "ES256", "kid": kid, "typ": typ}
    parts = (encode_base64url(canonical_bytes(part)) for part in (header, payload))
    return ".".join((*parts, _SIGNATURE))
