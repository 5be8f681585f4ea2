"""Where signers are sent to sign, and where they may be sent back to."""

from uuid import uuid4

import pytest
from pydantic import ValidationError

from acting import faults
from asking import ROOT, ask_for
from factories import Organisation, World, mandate_body
from registry.domain.callers import Scope
from registry.domain.errors import InvalidInputError
from registry.domain.parties import Party, Scheme
from registry.operations.manage_clients import ClientRegistration, register_client
from registry.settings import Settings
from registry.storage.clients import get_client

BACK = "https://eservice.example/back"


async def client_with(world: World, organisation: Organisation, *return_urls: str) -> str:
    registration = ClientRegistration(
        f"test-{uuid4().hex}",
        str(organisation.party),
        tuple(Scope),
        secret="demo",
        return_urls=return_urls,
    )
    client, _ = await register_client(world.database, registration, now=world.clock())
    return client.client_id


async def test_a_signer_returns_to_a_registered_address_alone(
    world: World, municipality: Organisation
) -> None:
    template = await world.publish_template(municipality)
    client_id = await client_with(world, municipality, BACK, "http://127.0.0.1:8000/")
    token = world.access_token(client_id, frozenset(Scope))
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "1"}
    body = mandate_body(template, return_url=f"{BACK}?case=2026-114")
    made = await world.anonymous.post(ROOT, json=body, headers=headers)
    assert (made.status_code, made.json()["return_url"]) == (201, f"{BACK}?case=2026-114")
    for number, url in enumerate(("https://eservice.example/elsewhere", "https://evil.example/back"), 2):
        refused = await world.anonymous.post(
            ROOT, json=body | {"return_url": url}, headers=headers | {"Idempotency-Key": str(number)}
        )
        assert faults(refused) == {("/return_url", "not_allowed")}
    # The same organisation's other client registered none.
    assert faults(await municipality.post(ROOT, body)) == {("/return_url", "not_allowed")}


async def test_what_is_registered_is_kept(world: World, municipality: Organisation) -> None:
    client_id = await client_with(world, municipality, BACK)
    async with world.database.reading() as session:
        client = await get_client(session, client_id)
    assert client is not None
    assert client.return_urls == (BACK,)


async def test_an_address_that_is_not_safe_is_not_registered(
    world: World, municipality: Organisation
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        await client_with(world, municipality, BACK, "http://eservice.example/", f"{BACK}?a=1")
    assert [fault.pointer for fault in caught.value.faults] == ["/return_urls/1", "/return_urls/2"]


async def test_the_link_is_the_registrys_own_unless_configured(
    world: World, municipality: Organisation
) -> None:
    request = await ask_for(municipality, mandate_body(await world.publish_template(municipality)))
    assert request["link"] == f"{world.runtime.settings.public_url}/requests/{request['id']}"


def test_a_third_party_has_a_base_address_of_its_own() -> None:
    links = {"se-orgnr:16212000-2411": "https://fullmakt.sundsvall.example/e"}
    settings = Settings.model_validate(
        {"database_url": "postgresql://unused", "public_url": "https://registry.example"}
        | {"request_links": links}
    )
    own, other = Party(Scheme.SE_ORGNR, "2120002411"), Party(Scheme.SE_ORGNR, "5561929323")
    request_id = uuid4()
    assert settings.request_link(own, request_id) == (
        f"https://fullmakt.sundsvall.example/e/requests/{request_id}"
    )
    assert settings.request_link(other, request_id) == f"https://registry.example/requests/{request_id}"


def test_links_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_REQUEST_LINKS", '{"dk-cvr:64942212": "https://kk.example"}')
    settings = Settings(database_url="postgresql://unused")
    assert settings.request_links == {"dk-cvr:64942212": "https://kk.example"}


@pytest.mark.parametrize(
    "links",
    [
        {"se-orgnr:2120002412": "https://a.example"},
        {"se-pnr:198602262381": "https://a.example"},
        {"se-orgnr:2120002411": "https://a.example/"},
        {"se-orgnr:2120002411": "https://a.example/?x"},
        {"se-orgnr:2120002411": "ftp://a.example"},
    ],
)
def test_a_wrong_link_is_refused_at_the_start(links: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Settings(database_url="postgresql://unused", request_links=links)
