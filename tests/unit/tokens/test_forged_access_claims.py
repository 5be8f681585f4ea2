"""Signed by the right key and still refused: payloads that are no strict JSON, and claims that are wrong."""

from collections.abc import Callable

import orjson
import pytest

from registry.signing.encodings import encode_base64url
from token_forge import (
    AUDIENCE,
    EID_ISSUER,
    ISSUER,
    NOW_SECONDS,
    OTHER_ISSUER,
    access_claims,
    assemble,
    assert_access_token_refused,
    claiming,
    header,
    lacking,
    without,
)

NESTED = b"[" * 40 + b"]" * 40

CASES: dict[str, tuple[str, Callable[[], str]]] = {
    # the payload as JSON
    "payload_empty": ("claims", lambda: assemble(header(), b"")),
    "payload_not_json": ("claims", lambda: assemble(header(), b"iss=x")),
    "payload_array": ("claims", lambda: assemble(header(), b"[]")),
    "payload_text": ("claims", lambda: assemble(header(), b'"iss"')),
    "payload_not_utf8": ("claims", lambda: assemble(header(), b'{"iss":"\xff"}')),
    "payload_duplicate_aud": (
        "claims",
        lambda: assemble(header(), orjson.dumps(access_claims())[:-1] + b',"aud":"https://x.test"}'),
    ),
    "payload_duplicate_deep": (
        "claims",
        lambda: assemble(header(), orjson.dumps(access_claims())[:-1] + b',"cnf":{"a":1,"a":2}}'),
    ),
    "payload_nan": ("claims", lambda: assemble(header(), orjson.dumps(access_claims())[:-1] + b',"x":NaN}')),
    "payload_infinite_by_overflow": (
        "claims",
        lambda: assemble(header(), orjson.dumps(without(access_claims(), "exp"))[:-1] + b',"exp":1e999}'),
    ),
    "payload_lone_surrogate": (
        "claims",
        lambda: assemble(header(), orjson.dumps(access_claims())[:-1] + b',"x":"\\ud800"}'),
    ),
    "payload_nested": (
        "claims",
        lambda: assemble(header(), orjson.dumps(access_claims())[:-1] + b',"x":%s}' % NESTED),
    ),
    "payload_nested_beyond_recursion": (
        "claims",
        lambda: assemble(header(), b'{"x":' + b"[" * 4_000 + b"]" * 4_000 + b"}"),
    ),
    # claims
    **{
        f"{name}_missing": (name, lacking(name))
        for name in ("iss", "exp", "aud", "sub", "client_id", "iat", "jti")
    },
    "iss_trailing_slash": ("iss", claiming(iss=ISSUER + "/")),
    "iss_other_case": ("iss", claiming(iss=ISSUER.replace("login", "Login"))),
    "iss_list": ("iss", claiming(iss=[ISSUER])),
    "iss_unknown": ("iss", claiming(iss="https://attacker.example.test")),
    "iss_trusted_for_another_purpose": ("iss", claiming(iss=EID_ISSUER)),
    "iss_of_another_issuer": ("kid", claiming(iss=OTHER_ISSUER)),
    "exp_passed": ("exp", claiming(exp=NOW_SECONDS - 1)),
    "exp_this_second": ("exp", claiming(exp=NOW_SECONDS)),
    "exp_float": ("exp", claiming(exp=NOW_SECONDS + 600.0)),
    "exp_text": ("exp", claiming(exp=str(NOW_SECONDS + 600))),
    "exp_bool": ("exp", claiming(exp=True)),
    "exp_null": ("exp", claiming(exp=None)),
    "exp_negative": ("exp", claiming(exp=-1)),
    "exp_beyond_calendar": ("exp", claiming(exp=253_402_300_800)),
    "exp_milliseconds": ("exp", claiming(exp=(NOW_SECONDS + 600) * 1000)),
    "iat_ahead": ("iat", claiming(iat=NOW_SECONDS + 11)),
    "iat_float": ("iat", claiming(iat=NOW_SECONDS - 0.5)),
    "iat_text": ("iat", claiming(iat="now")),
    "iat_bool": ("iat", claiming(iat=False)),
    "nbf_ahead": ("nbf", claiming(nbf=NOW_SECONDS + 11)),
    "nbf_text": ("nbf", claiming(nbf=str(NOW_SECONDS))),
    "nbf_null": ("nbf", claiming(nbf=None)),
    "aud_other": ("aud", claiming(aud="https://other-api.example.test")),
    "aud_prefix": ("aud", claiming(aud=AUDIENCE + "/v1")),
    "aud_empty_list": ("aud", claiming(aud=[])),
    "aud_list_of_others": ("aud", claiming(aud=["a", "b"])),
    "aud_list_with_number": ("aud", claiming(aud=[AUDIENCE, 1])),
    "aud_number": ("aud", claiming(aud=1)),
    "aud_object": ("aud", claiming(aud={AUDIENCE: True})),
    "aud_null": ("aud", claiming(aud=None)),
    "sub_empty": ("sub", claiming(sub="")),
    "sub_number": ("sub", claiming(sub=1)),
    "sub_long": ("sub", claiming(sub="s" * 256)),
    "client_id_list": ("client_id", claiming(client_id=["demo-platform"])),
    "client_id_with_line_feed": ("client_id", claiming(client_id="demo\nplatform")),
    "client_id_with_nul": ("client_id", claiming(client_id="demo\x00")),
    "jti_number": ("jti", claiming(jti=7)),
    "scope_list": ("scope", claiming(scope=["templates:read"])),
    "scope_two_spaces": ("scope", claiming(scope="templates:read  verify:own")),
    "scope_tab": ("scope", claiming(scope="templates:read\tverify:own")),
    "scope_quote": ("scope", claiming(scope='"templates:read"')),
    "scope_null": ("scope", claiming(scope=None)),
    "cnf_null": ("cnf", claiming(cnf=None)),
    "cnf_text": ("cnf", claiming(cnf="x")),
    "cnf_dpop_key": ("cnf", claiming(cnf={"jkt": encode_base64url(bytes(32))})),
    "cnf_short_digest": ("cnf", claiming(cnf={"x5t#S256": encode_base64url(bytes(31))})),
    "cnf_padded_digest": ("cnf", claiming(cnf={"x5t#S256": encode_base64url(bytes(32)) + "="})),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
async def test_payload_or_claim_is_refused_for_its_reason(name: str) -> None:
    reason, build = CASES[name]
    await assert_access_token_refused(build(), reason)
