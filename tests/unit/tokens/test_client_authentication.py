"""How a client may say who it is at the token endpoint, and every other way is refused."""

import base64
import re
from urllib.parse import quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.identity.client_authentication import (
    ASSERTION_TYPE,
    MAX_BODY_BYTES,
    AssertionCredential,
    SecretCredential,
    TokenRequest,
    TokenRequestError,
    read_token_request,
)

GRANT = b"grant_type=client_credentials"
ASSERTION = {"client_assertion": "a.b.c", "client_assertion_type": ASSERTION_TYPE}

# RFC 6749 section 5.2: what an error_description may consist of.
DESCRIPTION = re.compile(r"[\x20\x21\x23-\x5b\x5d-\x7e]+")

plain_text = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=255)


def basic(client_id: str, secret: str) -> str:
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def raw_basic(pair: bytes) -> str:
    return "Basic " + base64.b64encode(pair).decode()


def body(**parameters: str) -> bytes:
    return urlencode({"grant_type": "client_credentials", **parameters}).encode()


def refusal(authorization: list[str], data: bytes) -> str:
    with pytest.raises(TokenRequestError) as caught:
        read_token_request(authorization, data)
    assert DESCRIPTION.fullmatch(caught.value.message)
    return caught.value.code


def test_published_examples() -> None:
    """RFC 6749 sections 2.3.1 and 4.4.2."""
    by_header = read_token_request(["Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW"], GRANT)
    assert by_header == TokenRequest(SecretCredential("s6BhdRkqt3", "gX1fBat3bV"), None)
    by_body = GRANT + b"&client_id=s6BhdRkqt3&client_secret=7Fjfp0ZBr1KtDRbnfVdmIw"
    assert read_token_request([], by_body) == read_token_request(
        ["Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3"], GRANT
    )


@pytest.mark.parametrize("secret", ["a+b", "a b", "100%", "a:b:c", "å€😀", "%41", "&=?#", " edges "])
def test_special_characters_in_basic(secret: str) -> None:
    request = read_token_request([basic("client:with+colon", secret)], GRANT)
    assert request.credential == SecretCredential("client:with+colon", secret)


@given(client_id=plain_text, secret=plain_text)
def test_both_ways_carry_any_text(client_id: str, secret: str) -> None:
    expected = SecretCredential(client_id, secret)
    assert read_token_request([basic(client_id, secret)], GRANT).credential == expected
    by_body = body(client_id=client_id, client_secret=secret)
    assert read_token_request([], by_body).credential == expected


def test_the_scheme_is_compared_in_any_case_and_scopes_are_a_set() -> None:
    header = basic("c", "s").replace("Basic ", "bASIC  ")
    request = read_token_request([header], body(scope="verify:own templates:read verify:own"))
    assert request.scopes == frozenset({"verify:own", "templates:read"})


def test_parameters_without_value_are_absent_and_unknown_ones_ignored() -> None:
    data = b"&client_secret=&" + body(scope="", client_id="c", resource="x") + b"&resource=y&flag"
    assert read_token_request([basic("c", "s")], data) == TokenRequest(SecretCredential("c", "s"), None)


def test_an_assertion_with_and_without_client_id() -> None:
    assert read_token_request([], body(**ASSERTION)).credential == AssertionCredential("a.b.c", None)
    named = read_token_request([], body(**ASSERTION, client_id="c"))
    assert named.credential == AssertionCredential("a.b.c", "c")


@pytest.mark.parametrize(
    ("authorization", "data"),
    [
        ([basic("c", "s")], body(client_id="c", client_secret="s")),
        ([basic("c", "s")], body(**ASSERTION)),
        ([basic("c", "s"), basic("c", "s")], GRANT),
        ([], body(client_id="c", client_secret="s", **ASSERTION)),
        ([basic("c", "s")], body(client_assertion_type=ASSERTION_TYPE)),
        (["Bearer abc"], body(client_id="c", client_secret="s")),
    ],
)
def test_two_ways_at_once_are_refused(authorization: list[str], data: bytes) -> None:
    assert refusal(authorization, data) == "invalid_request"


@pytest.mark.parametrize(
    ("authorization", "data", "code"),
    [
        ([], GRANT, "invalid_client"),
        ([], body(client_id="c"), "invalid_client"),
        ([], body(client_secret="s"), "invalid_request"),
        (["Bearer abc"], GRANT, "invalid_client"),
        ([""], GRANT, "invalid_client"),
        (["Basic"], GRANT, "invalid_request"),
        (["Basic !!!"], GRANT, "invalid_request"),
        (["Basic Zm9vå"], GRANT, "invalid_request"),
        ([basic("c", "s") + "!"], GRANT, "invalid_request"),
        (["Basic Yzpz\nYzpz"], GRANT, "invalid_request"),
        ([raw_basic(b"no-colon")], GRANT, "invalid_request"),
        ([raw_basic(b":secret")], GRANT, "invalid_request"),
        ([raw_basic(b"client:")], GRANT, "invalid_request"),
        ([raw_basic(b"client:100%")], GRANT, "invalid_request"),
        ([raw_basic(b"client:%ff")], GRANT, "invalid_request"),
        ([raw_basic(b"client:\xff")], GRANT, "invalid_request"),
        ([raw_basic(b"client%00:secret")], GRANT, "invalid_request"),
        ([raw_basic(b"client:a\nb")], GRANT, "invalid_request"),
        ([basic("c" * 256, "s")], GRANT, "invalid_request"),
        ([basic("c", "s" * 256)], GRANT, "invalid_request"),
        ([basic("c", "s")], body(client_id="other"), "invalid_request"),
        ([], body(client_id="a\x00b", client_secret="s"), "invalid_request"),
        ([], body(client_assertion="a.b.c"), "invalid_request"),
        ([], body(client_assertion_type=ASSERTION_TYPE), "invalid_request"),
        ([], body(client_assertion="a.b.c", client_assertion_type="urn:saml2"), "invalid_client"),
        ([basic("c", "s")], b"", "invalid_request"),
        ([basic("c", "s")], b"scope=verify%3Aown", "invalid_request"),
        ([basic("c", "s")], b"grant_type=password", "unsupported_grant_type"),
        ([basic("c", "s")], b"grant_type=Client_Credentials", "unsupported_grant_type"),
        ([basic("c", "s")], GRANT + b"&" + GRANT, "invalid_request"),
        ([basic("c", "s")], GRANT + b"&scope=a&scope=", "invalid_request"),
        ([basic("c", "s")], GRANT + b"&scope=%zz", "invalid_request"),
        ([basic("c", "s")], GRANT + b"&scope=\xff", "invalid_request"),
        ([basic("c", "s")], b'{"grant_type": "client_credentials"}', "invalid_request"),
    ],
)
def test_other_requests_are_refused(authorization: list[str], data: bytes, code: str) -> None:
    assert refusal(authorization, data) == code


def test_the_body_is_bounded() -> None:
    filling = b"&x=" + b"y" * (MAX_BODY_BYTES - len(GRANT) - 3)
    assert read_token_request([basic("c", "s")], GRANT + filling).scopes is None
    assert refusal([basic("c", "s")], GRANT + filling + b"y") == "invalid_request"


@given(
    authorization=st.lists(st.text(max_size=60) | st.binary(max_size=60).map(raw_basic), max_size=2),
    data=st.binary(max_size=200) | st.binary(max_size=100).map(lambda tail: GRANT + b"&" + tail),
)
def test_anything_else_is_refused_with_a_code(authorization: list[str], data: bytes) -> None:
    description = ""
    try:
        read_token_request(authorization, data)
    except TokenRequestError as error:
        description = error.message
    assert not description or DESCRIPTION.fullmatch(description)


def test_secrets_are_not_shown() -> None:
    request = read_token_request([basic("c", "open-sesame")], GRANT)
    assert "open-sesame" not in repr(request)
    assert "a.b.c" not in repr(read_token_request([], body(**ASSERTION)))
