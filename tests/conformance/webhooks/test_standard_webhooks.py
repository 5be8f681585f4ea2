"""The published vectors of Standard Webhooks: one message, signed in both kinds."""

import json
from pathlib import Path

import pytest

from registry.webhooks.message import SigningSecret, new_secret, read_secret, sign

VECTOR = json.loads((Path(__file__).parent / "standard_webhooks.json").read_text())


def signed(*secrets: SigningSecret) -> str:
    return sign(VECTOR["id"], VECTOR["timestamp"], VECTOR["body"].encode(), secrets)


def test_both_kinds_of_signature_are_the_published_ones() -> None:
    secret = read_secret(VECTOR["shared"], VECTOR["private"])
    assert signed(secret) == f"{VECTOR['v1']} {VECTOR['v1a']}"


def test_during_a_rotation_every_secret_signs() -> None:
    secret, other = read_secret(VECTOR["shared"], VECTOR["private"]), new_secret()
    signatures = signed(other, secret).split()
    assert {VECTOR["v1"], VECTOR["v1a"]} < set(signatures)
    assert len(set(signatures)) == 4


def test_secrets_are_read_as_they_are_written() -> None:
    secret = new_secret()
    again = read_secret(secret.shared_text, secret.private_text)
    assert (again.shared_text, again.public_text) == (secret.shared_text, secret.public_text)
    assert signed(again) == signed(secret)


@pytest.mark.parametrize(
    ("shared", "private"),
    [
        (VECTOR["private"], VECTOR["private"]),
        (VECTOR["shared"], VECTOR["shared"]),
        ("whsec_c2hvcnQ=", VECTOR["private"]),
        (VECTOR["shared"] + "!", VECTOR["private"]),
        (VECTOR["shared"], new_secret().private_text[:60] + VECTOR["private"][60:]),
    ],
    ids=["no shared one", "no private one", "too short", "no base64", "halves that do not belong together"],
)
def test_what_is_no_secret_is_refused(shared: str, private: str) -> None:
    with pytest.raises(ValueError, match="secret"):
        read_secret(shared, private)
