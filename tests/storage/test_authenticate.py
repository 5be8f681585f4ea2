"""From an access token to the caller: the token and the registration must agree."""

from datetime import UTC, datetime

import pytest
from uuid_utils.compat import uuid7

from registry.domain.callers import Caller, Scope
from registry.domain.errors import UnauthenticatedError
from registry.domain.parties import Party, Scheme
from registry.operations.authenticate import authenticate
from registry.signing.encodings import encode_base64url
from registry.storage.clients import Client, add_client
from registry.storage.database import Database
from token_forge import (
    ISSUER,
    NOW,
    NOW_SECONDS,
    OTHER_ISSUER,
    access_claims,
    access_token,
    assemble,
    es_key,
    header,
    issuers,
)

ORGANISATION = Party(Scheme.SE_ORGNR, "2120002411")
DIGEST = encode_base64url(bytes(range(32)))


async def registered(
    database: Database,
    *scopes: Scope,
    issuer: str | None = None,
    disabled_at: datetime | None = None,
    departments: frozenset[str] = frozenset(),
) -> str:
    client = Client(
        f"client-{uuid7()}",
        ORGANISATION,
        frozenset(scopes or {Scope.VERIFY_OWN}),
        NOW,
        issuer=issuer,
        departments=departments,
        disabled_at=disabled_at,
    )
    async with database.transaction() as session:
        await add_client(session, client)
    return client.client_id


def token_for(client_id: str, **changes: object) -> str:
    return access_token(client_id=client_id, sub=client_id, **changes)


async def refusal(database: Database, token: str, *, own_issuer: str = ISSUER) -> str:
    with pytest.raises(UnauthenticatedError) as caught:
        await authenticate(database, issuers(), token, own_issuer=own_issuer, now=NOW)
    return caught.value.message


async def test_the_caller_has_what_token_and_registration_both_name(database: Database) -> None:
    client_id = await registered(
        database, Scope.VERIFY_OWN, Scope.EVENTS_READ, departments=frozenset({"Miljökontoret"})
    )
    token = token_for(client_id, scope="verify:own registry:admin moons:watch openid")
    caller, expires_at = await authenticate(database, issuers(), token, own_issuer=ISSUER, now=NOW)
    assert caller == Caller(
        client_id, ORGANISATION, frozenset({Scope.VERIFY_OWN}), frozenset({"Miljökontoret"})
    )
    assert expires_at == datetime.fromtimestamp(NOW_SECONDS + 600, UTC)


async def test_a_token_without_scope_is_a_caller_who_may_nothing(database: Database) -> None:
    token = token_for(await registered(database), scope="")
    caller, _ = await authenticate(database, issuers(), token, own_issuer=ISSUER, now=NOW)
    assert caller.scopes == frozenset()


async def test_a_client_is_named_by_its_own_issuer_only(database: Database) -> None:
    built_in = await registered(database)
    external = await registered(database, issuer=OTHER_ISSUER)

    def by_other(client_id: str) -> str:
        claims = access_claims(iss=OTHER_ISSUER, client_id=client_id)
        return assemble(header(kid="other-1"), claims, es_key("other-1").sign)

    for client_id, token in ((built_in, token_for(built_in)), (external, by_other(external))):
        caller, _ = await authenticate(database, issuers(), token, own_issuer=ISSUER, now=NOW)
        assert caller.client_id == client_id

    unknown = await refusal(database, token_for("nobody"))
    assert await refusal(database, by_other(built_in)) == unknown
    assert await refusal(database, token_for(external)) == unknown
    assert await refusal(database, token_for(built_in), own_issuer=OTHER_ISSUER) == unknown


async def test_unknown_and_disabled_clients_are_told_the_same(database: Database) -> None:
    disabled = await registered(database, disabled_at=NOW)
    unknown = await refusal(database, token_for("nobody"))
    assert await refusal(database, token_for(disabled)) == unknown


async def test_a_refused_token_is_refused_for_what_it_is(database: Database) -> None:
    client_id = await registered(database)
    assert "expired" in await refusal(database, token_for(client_id, exp=NOW_SECONDS))
    assert "`aud`" in await refusal(database, token_for(client_id, aud="https://other.example.test"))
    forged = assemble(header(), access_claims(client_id=client_id), es_key("forger").sign)
    assert "signature" in await refusal(database, forged)


async def test_a_token_bound_to_a_certificate_needs_that_certificate(database: Database) -> None:
    token = token_for(await registered(database), cnf={"x5t#S256": DIGEST})
    caller, _ = await authenticate(
        database, issuers(), token, own_issuer=ISSUER, certificate_digest=DIGEST, now=NOW
    )
    assert caller.organisation == ORGANISATION
    assert "certificate" in await refusal(database, token)
    other = encode_base64url(bytes(32))
    with pytest.raises(UnauthenticatedError, match="certificate"):
        await authenticate(database, issuers(), token, own_issuer=ISSUER, certificate_digest=other, now=NOW)


async def test_an_unbound_token_is_good_over_any_connection(database: Database) -> None:
    client_id = await registered(database)
    caller, _ = await authenticate(
        database, issuers(), token_for(client_id), own_issuer=ISSUER, certificate_digest=DIGEST, now=NOW
    )
    assert caller.client_id == client_id
