"""A client of the national service against the demo, set up by environment variables alone."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from minaombud_client import BASE, MinaOmbudClient, canonical, encode
from registry.signing.rsa_keys import RsaSigningKey, rsa_key_from_jwk
from registry_processes import Dev
from required_programs import PROJECT

GUIDE = PROJECT / "docs" / "guides" / "mina-ombud.md"


@pytest.fixture
def environment(dev: Dev) -> dict[str, str]:
    """The variables of the guide, for this demo."""
    text = GUIDE.read_text(encoding="utf-8").replace("http://127.0.0.1:8000", dev.address)
    return dict(re.findall(r"(MINA_OMBUD_\w+)=(\S+)", text.replace("$PWD", str(PROJECT))))


async def test_the_guides_variables_are_all_that_a_client_needs(environment: dict[str, str]) -> None:
    key = user_key(Path(environment["MINA_OMBUD_SAMPLE_KEYS"]))
    async with httpx.AsyncClient(base_url=origin(environment)) as http:
        form = {
            "grant_type": "client_credentials",
            "client_id": environment["MINA_OMBUD_API_CLIENT_ID"],
            "client_secret": environment["MINA_OMBUD_API_CLIENT_SECRET"],
            "scope": "user:self",
        }
        token = (await http.post(environment["MINA_OMBUD_API_TOKEN_URL"], data=form)).json()
        client = MinaOmbudClient(http, token["access_token"])
        number, third_party = environment["MINA_OMBUD_USER_PNR"], environment["MINA_OMBUD_TREDJE_MAN"]
        question = {"tredjeman": third_party, "fullmaktshavare": {"id": number, "typ": "pnr"}}
        answer = await client.search_permissions(question, id_token(key, environment, number))
        assert len(answer["kontext"]) == 2
        mandate_id = answer["kontext"][0]["behorigheter"][0]["fullmakt"]
        whole = await client.get_mandate(third_party, mandate_id, id_token(key, environment, number))
        assert whole["fullmakt"]["tredjeman"]["namn"] == "Sundsvalls kommun"


def user_key(path: Path) -> RsaSigningKey:
    return rsa_key_from_jwk(json.loads(path.read_bytes()))


def origin(environment: dict[str, str]) -> str:
    address, found, rest = environment["MINA_OMBUD_API_URL"].partition(BASE)
    assert (found, rest) == (BASE, "")
    return address


def id_token(key: RsaSigningKey, environment: dict[str, str], number: str) -> str:
    now = int(datetime.now(UTC).timestamp())
    claims = {
        "sub": "4fe3e84f-400f-4459-b4ca-ae0ffdfe3ed2",
        "https://claims.oidc.se/1.0/personalNumber": number,
        "iss": environment["MINA_OMBUD_SAMPLE_ISSUER"],
        "aud": environment["MINA_OMBUD_SAMPLE_AUDIENCE"],
        "iat": now,
        "exp": now + 120,
    }
    signing_input = ".".join(encode(canonical(part)) for part in ({"alg": "RS256", "kid": key.kid}, claims))
    return f"{signing_input}.{encode(key.sign(signing_input.encode()))}"
