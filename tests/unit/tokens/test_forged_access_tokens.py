"""Every malformed or forged access token is refused, for its own reason and without echoing the token."""

import hmac
import json
from collections.abc import Callable

import orjson
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from registry.identity.access_tokens import verify_access_token
from registry.signing.encodings import decode_base64url
from registry.signing.jose import sign_compact
from token_forge import (
    AUDIENCE,
    NOW,
    access_claims,
    access_token,
    assemble,
    assert_access_token_refused,
    es_key,
    headed,
    header,
    id_claims,
    issuers,
    rsa_jwk,
    rsa_private_key,
    rsa_sign,
    unsigned,
    without,
)

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def signed_as(signature: Callable[[bytes], bytes]) -> Callable[[], str]:
    return lambda: assemble(header(), access_claims(), signature)


def raw_numbers(r: int, s: int) -> Callable[[], str]:
    return signed_as(lambda _: r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def hmac_with(encode: Callable[[], bytes], digest: str, alg: str) -> Callable[[], str]:
    return lambda: assemble(
        header(alg=alg), access_claims(), lambda message: hmac.digest(encode(), message, digest)
    )


def rsa_public(encoding: serialization.Encoding) -> bytes:
    return (
        rsa_private_key().public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def der_signature(message: bytes) -> bytes:
    raw = es_key().sign(message)
    return utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))


def p384_signature(message: bytes) -> bytes:
    der = ec.generate_private_key(ec.SECP384R1()).sign(message, ec.ECDSA(hashes.SHA256()))
    r, s = utils.decode_dss_signature(der)
    return r.to_bytes(48, "big") + s.to_bytes(48, "big")


def other_curve_key_same_length(message: bytes) -> bytes:
    der = ec.generate_private_key(ec.SECP256K1()).sign(message, ec.ECDSA(hashes.SHA256()))
    r, s = utils.decode_dss_signature(der)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def recoded(part: int, change: Callable[[str], str]) -> Callable[[], str]:
    def build() -> str:
        parts = access_token().split(".")
        parts[part] = change(parts[part])
        return ".".join(parts)

    return build


def with_unused_bits(text: str) -> str:
    """Spell the same bytes with another last character; the text's length must leave unused bits."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    assert len(text) % 4
    return text[:-1] + alphabet[alphabet.index(text[-1]) + 1]


def header_with_unused_bits() -> str:
    head = orjson.dumps(header())
    head += b" " * (1 if len(head) % 3 == 0 else 0)
    token = assemble(head, access_claims())
    first, rest = token.split(".", 1)
    return f"{with_unused_bits(first)}.{rest}"


def payload_with_unused_bits() -> str:
    body = orjson.dumps(access_claims())
    body += b" " * (1 if len(body) % 3 == 0 else 0)
    first, second, third = assemble(header(), body).split(".")
    return f"{first}.{with_unused_bits(second)}.{third}"


def payload_swapped() -> str:
    first, _, third = access_token().split(".")
    return f"{first}.{access_token(scope='registry:admin').split('.')[1]}.{third}"


def header_swapped() -> str:
    _, second, third = access_token().split(".")
    return f"{assemble(header(cty='JWT'), b'').split('.')[0]}.{second}.{third}"


def json_serialisation() -> str:
    first, second, third = access_token().split(".")
    return json.dumps({"protected": first, "payload": second, "signature": third})


def self_signed_with_own_key(name: str) -> Callable[[], str]:
    own = es_key("attacker")
    values: dict[str, object] = {
        "jwk": own.public_jwk(),
        "jku": "https://attacker.example.test/jwks.json",
        "x5u": "https://attacker.example.test/certificate.pem",
        "x5c": ["MIIB"],
    }
    return lambda: assemble(header(kid=own.kid, **{name: values[name]}), access_claims(), own.sign)


def id_token() -> str:
    return sign_compact(orjson.dumps(id_claims(aud=AUDIENCE)), es_key(), typ="JWT")


def receipt() -> str:
    return sign_compact(orjson.dumps(access_claims()), es_key(), typ="mandate-receipt+jwt")


CASES: dict[str, tuple[str, Callable[[], str]]] = {
    # alg
    **{
        f"alg_{name!r}_unsigned": ("alg", unsigned(name)) for name in ("none", "None", "NONE", "nOnE", "")
    },
    "alg_none_signed": ("alg", headed(alg="none")),
    "alg_missing": ("alg", lambda: assemble(without(header(), "alg"), access_claims())),
    **{
        f"alg_{name!r}": ("alg", headed(alg=name))
        for name in (
            "HS256", "es256", "ES256 ", "ES256\x00", "ES384", "ES512", "ES256K", "RS1", "PS256", "EdDSA",
            "dir", "RSA-OAEP", 256, None, True, ["ES256"], {"ES256": 1},
        )
    },
    "hs256_with_der_public_key": (
        "alg",
        hmac_with(lambda: rsa_public(serialization.Encoding.DER), "sha256", "HS256"),
    ),
    "hs256_with_pem_public_key": (
        "alg",
        hmac_with(lambda: rsa_public(serialization.Encoding.PEM), "sha256", "HS256"),
    ),
    "hs512_with_der_public_key": (
        "alg",
        hmac_with(lambda: rsa_public(serialization.Encoding.DER), "sha512", "HS512"),
    ),
    "hs256_with_jwk_bytes": ("alg", hmac_with(lambda: orjson.dumps(rsa_jwk()), "sha256", "HS256")),
    "es256_header_carrying_hmac_with_public_key": (
        "signature",
        hmac_with(lambda: rsa_public(serialization.Encoding.DER), "sha512", "ES256"),
    ),
    "rs256_on_an_ec_key": ("alg", headed(alg="RS256")),
    "es256_on_an_rsa_key": ("alg", headed(kid="rs-1")),
    "rs384_from_an_rs256_issuer": (
        "alg",
        lambda: assemble(header(alg="RS384", kid="rs-1"), access_claims(), rsa_sign),
    ),
    # signature
    "signature_empty": ("signature", signed_as(lambda _: b"")),
    "signature_of_zeros": ("signature", signed_as(lambda _: bytes(64))),
    "signature_r_zero": ("signature", raw_numbers(0, 1)),
    "signature_s_zero": ("signature", raw_numbers(1, 0)),
    "signature_r_order": ("signature", raw_numbers(ORDER, 1)),
    "signature_s_order": ("signature", raw_numbers(1, ORDER)),
    "signature_r_and_s_order": ("signature", raw_numbers(ORDER, ORDER)),
    "signature_ones": ("signature", raw_numbers(1, 1)),
    "signature_all_bits": ("signature", signed_as(lambda _: b"\xff" * 64)),
    "signature_der": ("signature", signed_as(der_signature)),
    "signature_63_bytes": ("signature", signed_as(lambda message: es_key().sign(message)[:63])),
    "signature_65_bytes": ("signature", signed_as(lambda message: es_key().sign(message) + b"\x00")),
    "signature_zero_in_front": ("signature", signed_as(lambda message: b"\x00" + es_key().sign(message))),
    "signature_halves_exchanged": (
        "signature",
        signed_as(lambda message: (raw := es_key().sign(message))[32:] + raw[:32]),
    ),
    "signature_of_p384": ("signature", signed_as(p384_signature)),
    "signature_of_another_curve": ("signature", signed_as(other_curve_key_same_length)),
    "signature_of_another_key_with_this_kid": ("signature", signed_as(es_key("attacker").sign)),
    "signature_of_other_bytes": ("signature", signed_as(lambda message: es_key().sign(message + b" "))),
    "signature_rsa_truncated": (
        "signature",
        lambda: assemble(
            header(alg="RS256", kid="rs-1"), access_claims(), lambda message: rsa_sign(message)[:-1]
        ),
    ),
    "signature_rsa_zeros": (
        "signature",
        lambda: assemble(header(alg="RS256", kid="rs-1"), access_claims(), lambda _: bytes(256)),
    ),
    "payload_swapped": ("signature", payload_swapped),
    "header_swapped": ("signature", header_swapped),
    # headers that would change how the token is read, or bring a key
    "crit_unknown": ("critical", headed(crit=["urn:x"], **{"urn:x": 1})),
    "crit_exp": ("critical", headed(crit=["exp"], exp=1)),
    "crit_empty": ("critical", headed(crit=[])),
    "crit_text": ("critical", headed(crit="exp")),
    "b64_false": ("critical", headed(b64=False)),
    "b64_false_and_critical": ("critical", headed(b64=False, crit=["b64"])),
    "b64_true": ("critical", headed(b64=True)),
    **{
        f"own_key_in_{name}": ("remote_key", self_signed_with_own_key(name))
        for name in ("jwk", "jku", "x5u", "x5c")
    },
    # kid
    "kid_missing": ("kid", lambda: assemble(without(header(), "kid"), access_claims())),
    "kid_unknown": ("kid", headed(kid="es-2")),
    "kid_of_another_issuer": (
        "kid",
        lambda: assemble(header(kid="other-1"), access_claims(), es_key("other-1").sign),
    ),
    "kid_path": ("kid", headed(kid="../../../../dev/null")),
    "kid_other_case": ("kid", headed(kid="ES-1")),
    "kid_empty": ("header", headed(kid="")),
    "kid_number": ("header", headed(kid=1)),
    "kid_null": ("header", headed(kid=None)),
    "kid_long": ("header", headed(kid="k" * 257)),
    # typ
    "typ_missing": ("typ", lambda: assemble(without(header(), "typ"), access_claims())),
    "typ_jwt": ("typ", headed(typ="JWT")),
    "typ_other_media_type": ("typ", headed(typ="application/at+jwt; charset=utf-8")),
    "typ_other_tree": ("typ", headed(typ="text/at+jwt")),
    "typ_with_space": ("typ", headed(typ="at+jwt ")),
    "typ_null": ("header", headed(typ=None)),
    "typ_list": ("header", headed(typ=["at+jwt"])),
    "id_token": ("typ", id_token),
    "receipt": ("typ", receipt),
    # the shape of a compact serialisation
    "empty": ("malformed", lambda: ""),
    "full_stops_only": ("malformed", lambda: ".."),
    "two_parts": ("malformed", lambda: access_token().rsplit(".", 1)[0]),
    "four_parts": ("malformed", lambda: access_token() + ".AA"),
    "five_parts_as_jwe": ("malformed", lambda: access_token() + ".AA.AA"),
    "json_serialisation": ("malformed", json_serialisation),
    "line_feed_at_end": ("malformed", lambda: access_token() + "\n"),
    "space_in_front": ("malformed", lambda: " " + access_token()),
    "space_inside_signature": ("malformed", recoded(2, lambda text: text[:40] + " " + text[40:])),
    "padded_header": ("malformed", recoded(0, lambda text: text + "=")),
    "padded_payload": ("malformed", recoded(1, lambda text: text + "=" * (-len(text) % 4 or 4))),
    "padded_signature": ("malformed", recoded(2, lambda text: text + "==")),
    "standard_base64_alphabet": ("malformed", recoded(2, lambda text: "+/" + text[2:])),
    "unused_bits_in_header": ("malformed", header_with_unused_bits),
    "unused_bits_in_payload": ("malformed", payload_with_unused_bits),
    "unused_bits_in_signature": ("malformed", recoded(2, with_unused_bits)),
    "nul_character": ("malformed", recoded(1, lambda text: text + "\x00")),
    "full_width_character": ("malformed", recoded(1, lambda text: text + "\uff21")),
    "header_empty": ("malformed", recoded(0, lambda _: "")),
    "too_long": ("too_long", lambda: access_token(filler="x" * 16_384)),
    "header_too_long": ("too_long", headed(filler="x" * 2_048)),
    "header_not_json": ("malformed", lambda: assemble(b"alg=ES256", access_claims())),
    "header_array": ("malformed", lambda: assemble(b'["ES256"]', access_claims())),
    "header_duplicate_alg": (
        "malformed",
        lambda: assemble(b'{"alg":"none","alg":"ES256","kid":"es-1","typ":"at+jwt"}', access_claims()),
    ),
    "header_duplicate_by_escape": (
        "malformed",
        lambda: assemble(b'{"alg":"ES256","\\u0061lg":"ES256","kid":"es-1","typ":"at+jwt"}', access_claims()),
    ),
    "header_byte_order_mark": (
        "malformed",
        lambda: assemble(b"\xef\xbb\xbf" + orjson.dumps(header()), access_claims()),
    ),
    "header_utf16": ("malformed", lambda: assemble(json.dumps(header()).encode("utf-16"), access_claims())),
    "header_trailing_text": ("malformed", lambda: assemble(orjson.dumps(header()) + b"{}", access_claims())),
    "header_nested": (
        "malformed",
        lambda: assemble(b'{"alg":"ES256","x":%s}' % (b"[" * 40 + b"]" * 40), access_claims()),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
async def test_forged_or_malformed_token_is_refused_for_its_reason(name: str) -> None:
    reason, build = CASES[name]
    await assert_access_token_refused(build(), reason)


def test_the_table_is_long_and_its_tokens_differ() -> None:
    tokens = {name: build() for name, (_, build) in CASES.items()}
    assert len(tokens) >= 60
    assert len(set(tokens.values())) == len(tokens)


async def test_the_token_that_all_forgeries_start_from_is_valid() -> None:
    claims = await verify_access_token(access_token(), issuers(), now=NOW)
    assert claims.client_id == "demo-platform"
    first, _, third = access_token().split(".")
    assert decode_base64url(first) == orjson.dumps(header())
    assert len(decode_base64url(third)) == 64
