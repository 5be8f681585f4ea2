"""Clients in the database, and the acts of whoever registers and disables them."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from uuid_utils.compat import uuid7

from registry.domain.callers import Scope
from registry.domain.errors import InvalidInputError, NotFoundError
from registry.domain.parties import Party, Scheme
from registry.identity.client_secrets import is_client_secret
from registry.operations.manage_clients import (
    ClientExistsError,
    ClientRegistration,
    DisabledClientError,
    NoSecretError,
    disable_registered_client,
    list_registered_clients,
    register_client,
    rotate_client_secret,
)
from registry.signing.jose import generate_signing_key
from registry.storage.clients import (
    KEPT_AFTER_EXPIRY,
    Client,
    add_client,
    disable_client,
    forget_expired_assertions,
    get_client,
    list_clients,
    remember_assertion,
    replace_client_secret,
)
from registry.storage.database import Database

NOW = datetime(2026, 11, 21, 9, 0, 0, 123_456, tzinfo=UTC)
ORGANISATION = Party(Scheme.SE_ORGNR, "2120002411")


def new_client(**changes: object) -> Client:
    client = Client(f"client-{uuid7()}", ORGANISATION, frozenset({Scope.VERIFY_OWN, Scope.EVENTS_READ}), NOW)
    return replace(client, **changes)  # type: ignore[arg-type]  # each test names the fields it changes


def registration(**changes: object) -> ClientRegistration:
    wanted = ClientRegistration(f"client-{uuid7()}", "se-orgnr:212000-2411", ("verify:own", "events:read"))
    return replace(wanted, **changes)  # type: ignore[arg-type]  # as above


def pointers(error: InvalidInputError) -> list[str]:
    return [fault.pointer for fault in error.faults]


async def test_a_client_comes_back_as_it_was_kept(database: Database) -> None:
    plain = new_client()
    full = new_client(
        issuer="https://login.example.test",
        departments=frozenset({"Miljökontoret", "Socialtjänsten"}),
        secret_hash="$scrypt$...",
        public_keys={"keys": [dict(generate_signing_key("k").public_jwk())]},
        disabled_at=NOW + timedelta(days=1),
    )
    async with database.transaction() as session:
        assert await add_client(session, plain)
        assert await add_client(session, full)
    async with database.reading() as session:
        assert await get_client(session, plain.client_id) == plain
        assert await get_client(session, full.client_id) == full
        assert await get_client(session, "nobody") is None
    assert "scrypt" not in repr(full)


async def test_absent_keys_are_null_to_sql(database: Database) -> None:
    client = new_client()
    async with database.transaction() as session:
        await add_client(session, client)
        statement = text("SELECT public_keys IS NULL FROM clients WHERE client_id = :id")
        assert (await session.execute(statement, {"id": client.client_id})).scalar_one() is True


async def test_an_id_is_given_once(database: Database) -> None:
    client = new_client()
    async with database.transaction() as session:
        assert await add_client(session, client)
        assert not await add_client(session, replace(client, scopes=frozenset(Scope)))
        assert await get_client(session, client.client_id) == client


async def test_clients_are_listed_in_order_with_disabled_ones(database: Database) -> None:
    made = [new_client(disabled_at=NOW), new_client(), new_client()]
    async with database.transaction() as session:
        for client in reversed(made):
            await add_client(session, client)
        listed = await list_clients(session)
    assert [client for client in listed if client in made] == made
    ids = [client.client_id for client in listed]
    assert ids == sorted(ids)


async def test_scopes_of_a_newer_version_are_left_out(database: Database) -> None:
    client = new_client()
    async with database.transaction() as session:
        await add_client(session, client)
        await session.execute(
            text("UPDATE clients SET scopes = '{verify:own, moons:watch}' WHERE client_id = :id"),
            {"id": client.client_id},
        )
        read = await get_client(session, client.client_id)
    assert read == replace(client, scopes=frozenset({Scope.VERIFY_OWN}))


async def test_secret_and_disabling_change_one_client_only(database: Database) -> None:
    client, other = new_client(secret_hash="old"), new_client(secret_hash="other")
    async with database.transaction() as session:
        await add_client(session, client)
        await add_client(session, other)
        assert await replace_client_secret(session, client.client_id, "new")
        assert await disable_client(session, client.client_id, now=NOW)
        assert not await disable_client(session, client.client_id, now=NOW + timedelta(days=1))
        assert not await replace_client_secret(session, "nobody", "new")
        assert not await disable_client(session, "nobody", now=NOW)
        changed = await get_client(session, client.client_id)
        assert await get_client(session, other.client_id) == other
    assert changed == replace(client, secret_hash="new", disabled_at=NOW)


async def test_an_assertion_is_remembered_once_for_each_client(database: Database) -> None:
    jti, one, two = str(uuid7()), str(uuid7()), str(uuid7())
    async with database.transaction() as session:
        assert await remember_assertion(session, one, jti, NOW)
        assert not await remember_assertion(session, one, jti, NOW + timedelta(minutes=1))
        assert await remember_assertion(session, two, jti, NOW)
        assert await remember_assertion(session, one, str(uuid7()), NOW)


async def test_an_assertion_of_an_act_that_failed_is_not_remembered(database: Database) -> None:
    jti, client_id = str(uuid7()), str(uuid7())

    async def fail() -> None:
        async with database.transaction() as session:
            assert await remember_assertion(session, client_id, jti, NOW)
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    async with database.transaction() as session:
        assert await remember_assertion(session, client_id, jti, NOW)


async def test_of_many_uses_at_once_one_wins(database: Database) -> None:
    jti, client_id = str(uuid7()), str(uuid7())

    async def use() -> bool:
        async with database.transaction() as session:
            return await remember_assertion(session, client_id, jti, NOW)

    assert sorted(await asyncio.gather(*(use() for _ in range(6)))) == [False] * 5 + [True]


async def test_expired_assertions_are_forgotten_later(database: Database) -> None:
    client_id = str(uuid7())
    forgotten_at = NOW - timedelta(days=1000)
    async with database.transaction() as session:
        await remember_assertion(session, client_id, "old", forgotten_at - KEPT_AFTER_EXPIRY)
        kept_until = forgotten_at - KEPT_AFTER_EXPIRY + timedelta(microseconds=1)
        await remember_assertion(session, client_id, "just expired", kept_until)
        assert await forget_expired_assertions(session, now=forgotten_at) == 1
        assert await forget_expired_assertions(session, now=forgotten_at) == 0
        assert not await remember_assertion(session, client_id, "just expired", kept_until)
        assert await remember_assertion(session, client_id, "old", kept_until)


async def test_a_client_with_a_secret_is_registered(database: Database) -> None:
    wanted = registration(departments=("Miljökontoret",))
    client, secret = await register_client(database, wanted, now=NOW)
    assert secret is not None
    assert len(secret) == 43
    assert client == Client(
        wanted.client_id,
        ORGANISATION,
        frozenset({Scope.VERIFY_OWN, Scope.EVENTS_READ}),
        NOW,
        departments=frozenset({"Miljökontoret"}),
        secret_hash=client.secret_hash,
    )
    assert await is_client_secret(secret, client.secret_hash)
    assert client in await list_registered_clients(database)


async def test_a_chosen_secret_is_kept_as_a_hash(database: Database) -> None:
    client, secret = await register_client(database, registration(secret="demo"), now=NOW)
    assert secret == "demo"
    assert "demo" not in (client.secret_hash or "demo")
    assert await is_client_secret("demo", client.secret_hash)


async def test_a_client_with_keys_has_no_secret_and_keeps_public_members_only(database: Database) -> None:
    key = generate_signing_key("k-1")
    jwks = {"keys": [{**key.public_jwk(), "x5t": "ignored"}], "note": "ignored"}
    client, secret = await register_client(database, registration(jwks=jwks), now=NOW)
    assert (secret, client.secret_hash) == (None, None)
    assert client.public_keys == {"keys": [key.public_jwk()]}
    assert client in await list_registered_clients(database)


async def test_a_client_of_another_issuer_has_neither(database: Database) -> None:
    wanted = registration(issuer="https://login.example.test")
    client, secret = await register_client(database, wanted, now=NOW)
    assert (client.issuer, secret) == ("https://login.example.test", None)
    assert (client.secret_hash, client.public_keys) == (None, None)
    with pytest.raises(NoSecretError):
        await rotate_client_secret(database, client.client_id)


async def test_every_fault_is_told_and_nothing_written(database: Database) -> None:
    wanted = registration(
        client_id="-no",
        organisation="se-orgnr:2120002412",
        scopes=("verify:own", "verify:all", "VERIFY:OWN"),
        departments=("", "ok", " no", "no\n"),
        issuer="",
        jwks={"keys": []},
        secret="demo",
    )
    with pytest.raises(InvalidInputError) as caught:
        await register_client(database, wanted, now=NOW)
    assert sorted(pointers(caught.value)) == [
        "/client_id",
        "/departments/0",
        "/departments/2",
        "/departments/3",
        "/issuer",
        "/jwks",
        "/jwks/keys",
        "/organisation",
        "/scopes/1",
        "/scopes/2",
        "/secret",
    ]
    assert all(client.client_id != "-no" for client in await list_registered_clients(database))


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"client_id": "a" * 129}, "/client_id", "format"),
        ({"client_id": "two words"}, "/client_id", "format"),
        ({"client_id": "åäö"}, "/client_id", "format"),
        ({"client_id": "line\n"}, "/client_id", "format"),
        ({"scopes": ()}, "/scopes", "missing"),
        ({"scopes": ("verify:own events:read",)}, "/scopes/0", "unknown_scope"),
        ({"organisation": "2120002411"}, "/organisation", "format"),
        ({"organisation": "se-pnr:198602262381"}, "/organisation", "unknown_scheme"),
        ({"organisation": "se-orgnr:2120002412"}, "/organisation", "check_digit"),
        ({"secret": ""}, "/secret", "format"),
        ({"secret": "x" * 256}, "/secret", "format"),
        ({"secret": "s", "issuer": "https://login.example.test"}, "/secret", "not_allowed"),
        ({"jwks": {"keys": [{"kty": "oct"}]}}, "/jwks/keys/0", "invalid_key"),
    ],
    ids=str,
)
async def test_one_fault(database: Database, changes: dict[str, object], pointer: str, code: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        await register_client(database, registration(**changes), now=NOW)
    assert [(fault.pointer, fault.code) for fault in caught.value.faults] == [(pointer, code)]
    assert "198602262381" not in str(caught.value.faults)


async def test_registering_twice_is_refused_and_changes_nothing(database: Database) -> None:
    wanted = registration()
    client, _ = await register_client(database, wanted, now=NOW)
    with pytest.raises(ClientExistsError):
        await register_client(database, replace(wanted, scopes=("registry:admin",)), now=NOW)
    assert client in await list_registered_clients(database)


async def test_a_rotated_secret_replaces_the_old_one(database: Database) -> None:
    client, old = await register_client(database, registration(), now=NOW)
    new = await rotate_client_secret(database, client.client_id)
    async with database.reading() as session:
        kept = await get_client(session, client.client_id)
    assert kept is not None
    assert kept == replace(client, secret_hash=kept.secret_hash)
    assert old is not None
    assert new != old
    assert await is_client_secret(new, kept.secret_hash)
    assert not await is_client_secret(old, kept.secret_hash)


async def test_a_disabled_client_stays_disabled(database: Database) -> None:
    wanted = registration(issuer="https://login.example.test")
    client, _ = await register_client(database, wanted, now=NOW)
    disabled = await disable_registered_client(database, client.client_id, now=NOW + timedelta(days=1))
    assert disabled == replace(client, disabled_at=NOW + timedelta(days=1))
    assert (
        await disable_registered_client(database, client.client_id, now=NOW + timedelta(days=2)) == disabled
    )
    with pytest.raises(DisabledClientError):
        await rotate_client_secret(database, client.client_id)
    with pytest.raises(ClientExistsError):
        await register_client(database, wanted, now=NOW)


async def test_acts_on_unknown_clients(database: Database) -> None:
    with pytest.raises(NotFoundError):
        await rotate_client_secret(database, "nobody")
    with pytest.raises(NotFoundError):
        await disable_registered_client(database, "nobody", now=NOW)
