"""The token endpoint's act: who gets which token, and who gets none."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from joserfc import jws
from joserfc.jwk import KeySet
from sqlalchemy import text
from uuid_utils.compat import uuid7

from registry.domain.callers import Scope
from registry.domain.parties import Party, Scheme
from registry.identity.access_tokens import verify_access_token
from registry.identity.client_authentication import (
    AssertionCredential,
    SecretCredential,
    TokenRequest,
    TokenRequestError,
)
from registry.identity.issuer_keys import StaticKeys
from registry.identity.issuers import Purpose, TrustedIssuer, index_issuers
from registry.operations.grant_token import GrantedToken, grant_token
from registry.operations.manage_clients import (
    ClientRegistration,
    disable_registered_client,
    register_client,
    rotate_client_secret,
)
from registry.signing.encodings import decode_base64url
from registry.signing.jose import SigningKey, generate_signing_key
from registry.signing.keys import KeyRing
from registry.storage.clients import Client, add_client
from registry.storage.database import Database
from token_forge import assemble, rsa_jwk, rsa_sign

NOW = datetime(2026, 11, 21, 9, 0, 0, 500_000, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
ISSUER = "https://registry.example.test"
AUDIENCE = "https://api.example.test"
ENDPOINT = f"{ISSUER}/oauth2/token"
SCOPES = ("verify:own", "templates:read", "events:read")


async def grant(database: Database, keys: KeyRing, request: TokenRequest, **changes: Any) -> GrantedToken:  # noqa: ANN401  # passed on as they are
    terms = {"issuer": ISSUER, "audience": AUDIENCE, "token_endpoint": ENDPOINT, "now": NOW, **changes}
    return await grant_token(database, keys, request, **terms)


async def refusal(database: Database, keys: KeyRing, request: TokenRequest) -> tuple[str, str]:
    with pytest.raises(TokenRequestError) as caught:
        await grant(database, keys, request)
    return caught.value.code, caught.value.message


def registration(**changes: Any) -> ClientRegistration:  # noqa: ANN401  # passed on as they are
    return replace(ClientRegistration(f"client-{uuid7()}", "se-orgnr:2120002411", SCOPES), **changes)


async def secret_client(database: Database, **changes: Any) -> tuple[str, str]:  # noqa: ANN401  # as above
    client, secret = await register_client(database, registration(**changes), now=NOW)
    assert secret is not None
    return client.client_id, secret


def by_secret(client_id: str, secret: str, *scopes: str) -> TokenRequest:
    return TokenRequest(SecretCredential(client_id, secret), frozenset(scopes) or None)


@dataclass
class KeyClient:
    """A client that signs assertions."""

    client_id: str = field(default_factory=lambda: f"client-{uuid7()}")
    key: SigningKey = field(default_factory=lambda: generate_signing_key("client-key"))

    async def register(self, database: Database) -> None:
        jwks = {"keys": [self.key.public_jwk(), rsa_jwk()]}
        await register_client(database, registration(client_id=self.client_id, jwks=jwks), now=NOW)

    def claims(self, **changes: object) -> dict[str, object]:
        own = {"iss": self.client_id, "sub": self.client_id, "aud": ENDPOINT, "exp": SECONDS + 60}
        return {**own, "jti": str(uuid7()), **changes}

    def assertion(self, **changes: object) -> str:
        return self.assertion_by(self.key, **changes)

    def assertion_by(self, key: SigningKey, **changes: object) -> str:
        return assemble({"alg": "ES256", "kid": key.kid}, self.claims(**changes), key.sign)


@pytest.fixture
async def key_client(database: Database) -> KeyClient:
    client = KeyClient()
    await client.register(database)
    return client


def by_assertion(assertion: str, client_id: str | None = None) -> TokenRequest:
    return TokenRequest(AssertionCredential(assertion, client_id), None)


async def test_the_token_is_an_rfc_9068_access_token(database: Database, keys: KeyRing) -> None:
    client_id, secret = await secret_client(database)
    granted = await grant(database, keys, by_secret(client_id, secret))
    assert (granted.expires_in, granted.scope) == (300, "templates:read verify:own events:read")
    assert granted.access_token not in repr(granted)

    read = jws.deserialize_compact(granted.access_token, KeySet.import_key_set(keys.jwks()), ["ES256"])  # type: ignore[arg-type]  # the stubs want its own types of a key set
    assert read.headers() == {"alg": "ES256", "typ": "at+jwt", "kid": keys.signing_key(NOW).kid}
    claims = orjson.loads(read.payload)
    assert claims.pop("jti")
    assert claims == {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": client_id,
        "client_id": client_id,
        "iat": SECONDS,
        "exp": SECONDS + 300,
        "scope": granted.scope,
    }


async def test_the_registry_takes_its_own_tokens_and_each_has_its_own_id(
    database: Database, keys: KeyRing
) -> None:
    client_id, secret = await secret_client(database)
    requests = [by_secret(client_id, secret), by_secret(client_id, secret, "verify:own")]
    tokens = [await grant(database, keys, request, lifetime=timedelta(seconds=90)) for request in requests]
    own = TrustedIssuer(
        ISSUER, Purpose.ACCESS_TOKEN, StaticKeys(keys.verification_keys()), frozenset({AUDIENCE})
    )
    read = [await verify_access_token(token.access_token, index_issuers([own]), now=NOW) for token in tokens]
    assert [token.scopes for token in read] == [frozenset(SCOPES), frozenset({"verify:own"})]
    assert read[0].expires_at == datetime.fromtimestamp(SECONDS + 90, UTC)
    assert read[0].jti != read[1].jti


@pytest.mark.parametrize(
    "scopes", [("verify:any",), ("verify:own", "registry:admin"), ("",), ("verify:own", ""), ("Verify:own",)]
)
async def test_more_than_the_client_has_is_refused(
    database: Database, keys: KeyRing, scopes: tuple[str, ...]
) -> None:
    client_id, secret = await secret_client(database)
    code, message = await refusal(database, keys, by_secret(client_id, secret, *scopes))
    assert code == "invalid_scope"
    assert "templates:read verify:own events:read" in message


async def test_wrong_unknown_and_disabled_are_told_the_same_after_the_same_work(
    database: Database, keys: KeyRing, key_client: KeyClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    client_id, _ = await secret_client(database)
    disabled_id, disabled_secret = await secret_client(database)
    await disable_registered_client(database, disabled_id, now=NOW)
    issuer = "https://login.example.test"
    foreign, _ = await register_client(database, registration(issuer=issuer), now=NOW)

    work: list[dict[str, Any]] = []
    scrypt: Callable[..., bytes] = hashlib.scrypt

    def counted(secret: bytes, **parameters: Any) -> bytes:  # noqa: ANN401  # passed on as they are
        work.append({name: value for name, value in parameters.items() if name != "salt"})
        return scrypt(secret, **parameters)

    monkeypatch.setattr(hashlib, "scrypt", counted)
    answers = [
        await refusal(database, keys, by_secret(client_id, "wrong")),
        await refusal(database, keys, by_secret("nobody", "wrong")),
        await refusal(database, keys, by_secret(disabled_id, disabled_secret)),
        await refusal(database, keys, by_secret(disabled_id, "wrong")),
        await refusal(database, keys, by_secret(key_client.client_id, "wrong")),
        await refusal(database, keys, by_secret(foreign.client_id, "wrong")),
    ]
    assert answers[0][0] == "invalid_client"
    assert answers == answers[:1] * 6
    assert work == work[:1] * 6


async def test_a_rotated_secret_gets_no_token(database: Database, keys: KeyRing) -> None:
    client_id, old = await secret_client(database)
    new = await rotate_client_secret(database, client_id)
    assert (await refusal(database, keys, by_secret(client_id, old)))[0] == "invalid_client"
    assert (await grant(database, keys, by_secret(client_id, new))).expires_in == 300


async def test_a_client_of_another_issuer_gets_no_token_here(database: Database, keys: KeyRing) -> None:
    """Registration gives it no means of proof; one that has it all the same is told why it gets nothing."""
    key = generate_signing_key("k")
    client = Client(
        f"client-{uuid7()}",
        Party(Scheme.SE_ORGNR, "2120002411"),
        frozenset({Scope.VERIFY_OWN}),
        NOW,
        issuer="https://login.example.test",
        public_keys={"keys": [dict(key.public_jwk())]},
    )
    async with database.transaction() as session:
        await add_client(session, client)
    assertion = KeyClient(client.client_id, key).assertion()
    assert (await refusal(database, keys, by_assertion(assertion)))[0] == "unauthorized_client"


async def test_an_assertion_gets_a_token(database: Database, keys: KeyRing, key_client: KeyClient) -> None:
    by_issuer = key_client.assertion(aud=ISSUER)
    assert (await grant(database, keys, by_assertion(by_issuer))).expires_in == 300
    granted = await grant(database, keys, by_assertion(key_client.assertion(), key_client.client_id))
    payload = orjson.loads(decode_base64url(granted.access_token.split(".")[1]))
    assert payload["client_id"] == key_client.client_id
    by_rsa = assemble({"alg": "RS256", "kid": "rs-1"}, key_client.claims(), rsa_sign)
    assert (await grant(database, keys, by_assertion(by_rsa))).expires_in == 300


async def test_an_assertion_is_good_once(database: Database, keys: KeyRing, key_client: KeyClient) -> None:
    assertion = key_client.assertion()
    assert (await grant(database, keys, by_assertion(assertion))).expires_in == 300
    code, message = await refusal(database, keys, by_assertion(assertion))
    assert code == "invalid_client"
    assert "used before" in message


async def test_an_assertion_is_used_up_by_a_request_that_is_then_refused(
    database: Database, keys: KeyRing, key_client: KeyClient
) -> None:
    credential = AssertionCredential(key_client.assertion(), None)
    greedy = TokenRequest(credential, frozenset({"registry:admin"}))
    assert (await refusal(database, keys, greedy))[0] == "invalid_scope"
    assert "used before" in (await refusal(database, keys, TokenRequest(credential, None)))[1]


async def test_of_several_uses_at_once_exactly_one_wins(
    database: Database, keys: KeyRing, key_client: KeyClient
) -> None:
    for _ in range(5):
        request = by_assertion(key_client.assertion())
        answers = await asyncio.gather(
            *(grant(database, keys, request) for _ in range(4)), return_exceptions=True
        )
        refused = [answer for answer in answers if not isinstance(answer, GrantedToken)]
        assert len(refused) == 3
        for error in refused:
            assert isinstance(error, TokenRequestError)
            assert "used before" in error.message


async def test_another_clients_key_does_not_do(
    database: Database, keys: KeyRing, key_client: KeyClient
) -> None:
    other = KeyClient(key=generate_signing_key("other-key"))
    await other.register(database)
    namesake = generate_signing_key("client-key")
    unknown = KeyClient()
    answers = [
        await refusal(database, keys, by_assertion(key_client.assertion_by(other.key))),
        await refusal(database, keys, by_assertion(key_client.assertion_by(namesake))),
        await refusal(database, keys, by_assertion(key_client.assertion_by(keys.signing_key(NOW)))),
        await refusal(database, keys, by_assertion(unknown.assertion())),
    ]
    client_id, _ = await secret_client(database)
    answers.append(await refusal(database, keys, by_assertion(KeyClient(client_id).assertion())))
    await disable_registered_client(database, other.client_id, now=NOW)
    answers.append(await refusal(database, keys, by_assertion(other.assertion())))
    assert answers[0][0] == "invalid_client"
    assert answers == answers[:1] * 6


async def test_a_forged_assertion_uses_nothing_up(
    database: Database, keys: KeyRing, key_client: KeyClient
) -> None:
    jti = str(uuid7())
    forged = key_client.assertion_by(generate_signing_key("client-key"), jti=jti)
    assert (await refusal(database, keys, by_assertion(forged)))[0] == "invalid_client"
    assert (await grant(database, keys, by_assertion(key_client.assertion(jti=jti)))).expires_in == 300


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"aud": "https://other.example.test/oauth2/token"}, "`aud`"),
        ({"aud": [ENDPOINT, "https://other.example.test"]}, "`aud`"),
        ({"aud": AUDIENCE}, "`aud`"),
        ({"exp": SECONDS}, "expired"),
        ({"exp": SECONDS + 3600}, "5 minutes"),
        ({"iss": "somebody-else"}, "`iss`"),
        ({"jti": None}, "`jti`"),
    ],
    ids=str,
)
async def test_wrong_claims_are_named(
    database: Database, keys: KeyRing, key_client: KeyClient, changes: dict[str, object], message: str
) -> None:
    code, description = await refusal(database, keys, by_assertion(key_client.assertion(**changes)))
    assert code == "invalid_client"
    assert message in description


async def test_algorithm_none_and_garbage_are_refused(
    database: Database, keys: KeyRing, key_client: KeyClient
) -> None:
    unsigned = assemble({"alg": "none", "kid": "client-key"}, key_client.claims(), lambda _: b"")
    for assertion in (unsigned, "a.b.c", "", "å" * 20, unsigned.replace(".", "", 1)):
        assert (await refusal(database, keys, by_assertion(assertion)))[0] == "invalid_client"


async def test_client_id_beside_an_assertion_must_be_its_client(
    database: Database, keys: KeyRing, key_client: KeyClient
) -> None:
    request = by_assertion(key_client.assertion(), "another-client")
    assert (await refusal(database, keys, request))[0] == "invalid_client"


async def test_an_access_token_is_no_assertion(
    database: Database, keys: KeyRing, key_client: KeyClient
) -> None:
    granted = await grant(database, keys, by_assertion(key_client.assertion()))
    assert (await refusal(database, keys, by_assertion(granted.access_token)))[0] == "invalid_client"


async def test_special_characters_are_compared_as_they_are(database: Database, keys: KeyRing) -> None:
    secret = "a:b c+d%2F 'OR' 1=1 -- å😀"
    client_id, _ = await secret_client(database, secret=secret)
    assert (await grant(database, keys, by_secret(client_id, secret))).expires_in == 300
    changed = secret.replace("+", " ")
    assert (await refusal(database, keys, by_secret(client_id, changed)))[0] == "invalid_client"
    assert (await refusal(database, keys, by_secret(f"{client_id}' OR '1", secret)))[0] == "invalid_client"


async def test_what_is_remembered_of_an_assertion(
    database: Database, keys: KeyRing, key_client: KeyClient
) -> None:
    await grant(database, keys, by_assertion(key_client.assertion(exp=SECONDS + 200)))
    async with database.reading() as session:
        statement = text("SELECT expires_at FROM assertions_seen WHERE client_id = :id")
        rows = (await session.execute(statement, {"id": key_client.client_id})).scalars().all()
    assert list(rows) == [datetime.fromtimestamp(SECONDS + 200, UTC)]
