"""Client assertions: which are taken, and that only the client's own registered keys can sign them."""

from datetime import UTC, datetime, timedelta

import pytest

from registry.identity.client_assertions import MAX_KEYS, read_client_assertion, read_client_keys
from registry.signing.jose import InvalidTokenError, generate_signing_key
from token_forge import (
    NOW,
    NOW_SECONDS,
    access_claims,
    assemble,
    es_key,
    header,
    rsa_jwk,
    rsa_sign,
    without,
)

CLIENT = "case-system"
ENDPOINT = "https://registry.example.test/oauth2/token"
AUDIENCES = frozenset({ENDPOINT, "https://registry.example.test"})
KEYS: dict[str, object] = {"keys": [es_key().public_jwk(), rsa_jwk()]}
HEAD = without(header(), "typ")


def assertion_claims(**changes: object) -> dict[str, object]:
    return {
        "iss": CLIENT,
        "sub": CLIENT,
        "aud": ENDPOINT,
        "exp": NOW_SECONDS + 60,
        "jti": "assertion-1",
        **changes,
    }


def reason(text: str) -> str:
    with pytest.raises(InvalidTokenError) as caught:
        read_client_assertion(text, audiences=AUDIENCES, now=NOW)
    return caught.value.reason


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"aud": "https://registry.example.test"},
        {"aud": [ENDPOINT]},
        {"exp": NOW_SECONDS + 1},
        {"exp": NOW_SECONDS + 310},
        {"iat": NOW_SECONDS, "nbf": NOW_SECONDS},
        {"iat": NOW_SECONDS + 10},
        {"nbf": NOW_SECONDS + 10},
        {"jti": "x" * 255},
    ],
    ids=str,
)
def test_edges_of_what_is_taken(changes: dict[str, object]) -> None:
    text = assemble(HEAD, assertion_claims(**changes))
    assertion = read_client_assertion(text, audiences=AUDIENCES, now=NOW)
    assert (assertion.client_id, assertion.jti) == (CLIENT, changes.get("jti", "assertion-1"))
    seconds = changes.get("exp", NOW_SECONDS + 60)
    assert isinstance(seconds, int)
    assert assertion.expires_at == datetime.fromtimestamp(seconds, UTC)
    assert assertion.is_signed_by(KEYS)


@pytest.mark.parametrize("typ", ["JWT", "jwt", "client-authentication+jwt", "application/JWT"])
def test_types_of_an_assertion(typ: str) -> None:
    text = assemble(header(typ=typ), assertion_claims())
    assert read_client_assertion(text, audiences=AUDIENCES, now=NOW).is_signed_by(KEYS)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"iss": "another-client"}, "iss"),
        ({"sub": "another-client"}, "iss"),
        ({"iss": "", "sub": ""}, "sub"),
        ({"iss": "a\x00", "sub": "a\x00"}, "sub"),
        ({"aud": "https://other.example.test/token"}, "aud"),
        ({"aud": [ENDPOINT, "https://other.example.test/token"]}, "aud"),
        ({"aud": sorted(AUDIENCES)}, "aud"),
        ({"aud": []}, "aud"),
        ({"aud": ENDPOINT + "/"}, "aud"),
        ({"exp": NOW_SECONDS}, "exp"),
        ({"exp": NOW_SECONDS - 3600}, "exp"),
        ({"exp": NOW_SECONDS + 311}, "exp"),
        ({"exp": NOW_SECONDS + 60.5}, "exp"),
        ({"iat": NOW_SECONDS + 11}, "iat"),
        ({"iat": NOW_SECONDS, "nbf": NOW_SECONDS + 11}, "nbf"),
        ({"nbf": NOW_SECONDS + 11}, "nbf"),
        ({"jti": ""}, "jti"),
        ({"jti": 7}, "jti"),
        ({"jti": "x" * 256}, "jti"),
        ({"jti": "a\x00b"}, "jti"),
    ],
    ids=str,
)
def test_claims_that_are_refused(changes: dict[str, object], expected: str) -> None:
    assert reason(assemble(HEAD, assertion_claims(**changes))) == expected


@pytest.mark.parametrize("name", ["iss", "sub", "aud", "exp", "jti"])
def test_claims_that_must_be_there(name: str) -> None:
    assert reason(assemble(HEAD, without(assertion_claims(), name))) == name


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"alg": "none"}, "alg"),
        ({"alg": "None"}, "alg"),
        ({"alg": "HS256"}, "alg"),
        ({"alg": "RS512"}, "alg"),
        ({"jwk": es_key().public_jwk()}, "remote_key"),
        ({"jku": "https://attacker.example.test/jwks"}, "remote_key"),
        ({"crit": ["exp"]}, "critical"),
        ({"typ": "at+jwt"}, "typ"),
    ],
    ids=["none", "None", "HS256", "RS512", "jwk", "jku", "crit", "typ"],
)
def test_headers_that_are_refused(changes: dict[str, object], expected: str) -> None:
    assert reason(assemble({**HEAD, **changes}, assertion_claims())) == expected


def test_an_unsigned_assertion_is_refused() -> None:
    unsigned = assemble({"alg": "none"}, assertion_claims(), lambda _: b"")
    assert reason(unsigned) == "alg"
    stripped = assemble(HEAD, assertion_claims()).rsplit(".", 1)[0] + "."
    assert not read_client_assertion(stripped, audiences=AUDIENCES, now=NOW).is_signed_by(KEYS)


def test_an_access_token_is_no_assertion() -> None:
    assert reason(assemble(header(), access_claims(iss="demo-platform", aud=ENDPOINT))) == "typ"


def test_rs256_is_verified() -> None:
    text = assemble({"alg": "RS256", "kid": "rs-1"}, assertion_claims(), rsa_sign)
    assertion = read_client_assertion(text, audiences=AUDIENCES, now=NOW)
    assert assertion.is_signed_by(KEYS)
    assert not assertion.is_signed_by({"keys": [es_key().public_jwk()]})


def test_only_the_named_key_of_the_client_itself_counts() -> None:
    assertion = read_client_assertion(assemble(HEAD, assertion_claims()), audiences=AUDIENCES, now=NOW)
    assert assertion.is_signed_by(KEYS)
    namesake = generate_signing_key("es-1")
    assert not assertion.is_signed_by({"keys": [namesake.public_jwk()]})
    renamed = {**es_key().public_jwk(), "kid": "es-2"}
    assert not assertion.is_signed_by({"keys": [renamed]})
    assert not assertion.is_signed_by({"keys": []})
    assert not assertion.is_signed_by({})
    no_kid = read_client_assertion(
        assemble(without(HEAD, "kid"), assertion_claims()), audiences=AUDIENCES, now=NOW
    )
    assert not no_kid.is_signed_by(KEYS)


def test_time_is_an_argument() -> None:
    text = assemble(HEAD, assertion_claims(exp=NOW_SECONDS + 60))
    last = NOW + timedelta(seconds=59.4)
    assert read_client_assertion(text, audiences=AUDIENCES, now=last).client_id == CLIENT
    with pytest.raises(InvalidTokenError, match="expired"):
        read_client_assertion(text, audiences=AUDIENCES, now=NOW + timedelta(seconds=60))


def test_keys_to_register_are_read() -> None:
    keys, faults = read_client_keys(KEYS)
    assert faults == ()
    assert {key.kid: key.alg for key in keys} == {"es-1": "ES256", "rs-1": "RS256"}


@pytest.mark.parametrize(
    ("member", "message"),
    [
        ("text", "JSON object"),
        (es_key().to_private_jwk(), "private key"),
        ({"kty": "oct", "kid": "k", "k": "c2VjcmV0"}, "private key"),
        (without(es_key().public_jwk(), "kid"), "needs a `kid`"),
        ({**es_key().public_jwk(), "crv": "P-384"}, "P-256"),
        ({**es_key().public_jwk(), "use": "enc"}, "not meant"),
        ({**es_key().public_jwk(), "y": es_key("other-1").public_jwk()["y"]}, "no valid key"),
        ({**rsa_jwk(), "alg": "RS512"}, "must be one of ES256, RS256"),
        ({"kty": "OKP", "kid": "k", "crv": "Ed25519", "x": "AA"}, "EC and RSA"),
    ],
    ids=range(9),
)
def test_keys_that_cannot_be_registered(member: object, message: str) -> None:
    keys, faults = read_client_keys({"keys": [es_key("other-1").public_jwk(), member]})
    assert [key.kid for key in keys] == ["other-1"]
    assert [fault.pointer for fault in faults] == ["/keys/1"]
    assert message in faults[0].message


def test_every_fault_of_a_set_is_told() -> None:
    _, faults = read_client_keys({"keys": [None, es_key().public_jwk(), 1, es_key().public_jwk()]})
    assert [fault.pointer for fault in faults] == ["/keys/0", "/keys/2", "/keys/3/kid"]


@pytest.mark.parametrize("members", [None, {}, "text", [], [es_key().public_jwk()] * (MAX_KEYS + 1)])
def test_a_set_has_1_to_16_keys(members: object) -> None:
    keys, faults = read_client_keys({"keys": members})
    assert (keys, [fault.pointer for fault in faults]) == ([], ["/keys"])
