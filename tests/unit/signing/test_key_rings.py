"""The key ring: rotation without a gap, a file that only its owner reads, indexes and wraps by number."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import KeySet

from registry.domain.parties import Party, Scheme
from registry.signing.encodings import encode_base64url
from registry.signing.encryption import DecryptionError, new_data_secret
from registry.signing.jose import generate_signing_key
from registry.signing.keys import KeyFileError, load_key_ring, new_key_ring, save_key_ring
from registry.signing.records import SealError, SealType, open_seal, seal

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
RING = new_key_ring(NOW)
OTHER = generate_signing_key("other")


def test_a_coming_key_is_published_before_it_signs_and_takes_over_on_time() -> None:
    ring = RING.rotated(NOW, active_in=HOUR)
    old, new = (dated.key for dated in ring.signing)
    assert ring.verification_keys().keys() == {old.kid, new.kid}
    assert ring.signing_key(NOW) is old
    assert ring.signing_key(NOW + HOUR - timedelta(microseconds=1)) is old
    assert ring.signing_key(NOW + HOUR) is new
    assert ring.signing_key(NOW - HOUR) is old, "a clock that is behind still signs"


def test_rotation_makes_a_new_ring_and_leaves_the_old_one() -> None:
    ring = RING.rotated(NOW, active_in=HOUR)
    assert len(RING.signing) == 1
    assert (ring.encryption, ring.index, ring.token) == (RING.encryption, RING.index, RING.token)


def test_what_a_retired_key_sealed_still_opens() -> None:
    sealed = seal({"number": 1}, RING, SealType.EVENT, now=NOW)
    ring = RING
    for year in range(1, 4):
        ring = ring.rotated(NOW + year * 365 * 24 * HOUR, active_in=HOUR)
    assert open_seal(sealed, ring, SealType.EVENT) == {"number": 1}
    with pytest.raises(SealError):
        open_seal(sealed, new_key_ring(NOW), SealType.EVENT)


def test_one_kind_of_sealed_document_is_never_taken_for_another() -> None:
    sealed = seal({"number": 1}, RING, SealType.EVENT, now=NOW)
    for other in set(SealType) - {SealType.EVENT}:
        with pytest.raises(SealError):
            open_seal(sealed, RING, other)


def test_the_public_key_set_tells_when_each_key_signs_and_holds_no_secret() -> None:
    ring = RING.rotated(NOW, active_in=HOUR).rotated(NOW + HOUR, active_in=HOUR)
    keys: list[dict[str, Any]] = ring.jwks()["keys"]
    begins = [int(dated.active_from.timestamp()) for dated in ring.signing]
    assert [key["nbf"] for key in keys] == begins
    assert [key.get("exp") for key in keys] == [*begins[1:], None]
    assert [key["kid"] for key in keys] == [dated.key.kid for dated in ring.signing]
    assert not {"d", "k", "p", "q"} & {name for key in keys for name in key}
    assert len(KeySet.import_key_set(ring.jwks()).keys) == 3  # type: ignore[arg-type]  # plain JSON


def test_a_saved_ring_is_loaded_the_same(tmp_path: Path) -> None:
    path = tmp_path / "deeper" / "keys.json"
    ring = replace(
        RING.rotated(NOW, active_in=HOUR),
        encryption={**RING.encryption, 2: b"e" * 32},
        index={2: b"i" * 32},
    )
    save_key_ring(path, ring)
    loaded = load_key_ring(path)
    assert (loaded.encryption, loaded.index, loaded.token) == (ring.encryption, ring.index, ring.token)
    assert loaded.jwks() == ring.jwks()
    assert open_seal(seal({"a": 1}, ring, SealType.EVENT, now=NOW), loaded, SealType.EVENT) == {"a": 1}
    assert open_seal(seal({"a": 2}, loaded, SealType.EVENT, now=NOW), ring, SealType.EVENT) == {"a": 2}


def test_the_file_is_its_owners_alone_and_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    save_key_ring(path, RING)
    save_key_ring(path, RING.rotated(NOW, active_in=HOUR))
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["keys.json"]
    assert len(load_key_ring(path).signing) == 2


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o601])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "keys.json"
    save_key_ring(path, RING)
    path.chmod(mode)
    with pytest.raises(KeyFileError, match="0600"):
        load_key_ring(path)


_DAMAGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "no signing keys": lambda ring: ring.update(signing=[]),
    "no encryption keys": lambda ring: ring.update(encryption={}),
    "a second index key": lambda ring: ring["index"].update({"2": ring["index"]["1"]}),
    "no index keys": lambda ring: ring.update(index={}),
    "a short encryption key": lambda ring: ring.update(encryption={"1": encode_base64url(b"e" * 16)}),
    "a short index key": lambda ring: ring.update(index={"1": encode_base64url(b"")}),
    "a short token key": lambda ring: ring.update(token=""),
    "a long token key": lambda ring: ring.update(token=encode_base64url(b"t" * 33)),
    "no active_from": lambda ring: ring["signing"][0].pop("active_from"),
    "a time without zone": lambda ring: ring["signing"][0].update(active_from="2026-11-21T09:00:00"),
    "another key's half": lambda ring: ring["signing"][0]["jwk"].update(d=OTHER.to_private_jwk()["d"]),
    "a number too large": lambda ring: ring.update(index={"256": ring["index"]["1"]}),
    "the number zero": lambda ring: ring.update(encryption={"0": ring["encryption"]["1"]}),
    "no number": lambda ring: ring.update(encryption={"one": ring["encryption"]["1"]}),
}


@pytest.mark.parametrize("damage", _DAMAGES)
def test_a_ring_with_anything_wrong_is_refused(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "keys.json"
    save_key_ring(path, RING)
    document = json.loads(path.read_text())
    _DAMAGES[damage](document)
    path.write_text(json.dumps(document))
    with pytest.raises(KeyFileError, match="registry keys create"):
        load_key_ring(path)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"signing": 5}'])
def test_what_is_no_ring_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keys.json"
    path.touch(0o600)
    path.write_text(text)
    with pytest.raises(KeyFileError, match="registry keys create"):
        load_key_ring(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="registry keys create"):
        load_key_ring(tmp_path / "none.json")


def test_the_newest_number_wraps_and_every_number_unwraps() -> None:
    secret = new_data_secret()
    number, wrapped = RING.wrap(secret, "subject")
    newer = replace(RING, encryption={**RING.encryption, 2: b"e" * 32})
    assert number == 1
    assert newer.unwrap(1, wrapped, "subject") == secret
    assert newer.wrap(secret, "subject")[0] == 2
    with pytest.raises(DecryptionError):
        newer.unwrap(2, wrapped, "subject")
    with pytest.raises(KeyFileError, match="key-encryption key 3"):
        newer.unwrap(3, wrapped, "subject")


def test_a_blind_index_is_equal_for_equal_text_only_and_names_its_key() -> None:
    party = Party(Scheme.SE_PNR, "198602262381")
    index = RING.party_index(party)
    assert index == RING.party_index(party)
    assert (len(index), index[0]) == (17, 1)
    assert index != RING.party_index(Party(Scheme.SE_SAMNR, "198602262381"))
    assert index != replace(RING, index={1: b"i" * 32}).party_index(party)
    assert replace(RING, index={2: b"i" * 32}).party_index(party)[0] == 2


def test_no_secret_shows_in_a_representation() -> None:
    shown = repr(RING)
    private = RING.signing[0].key.to_private_jwk()["d"]
    for secret in (private, repr(RING.token), repr(RING.encryption[1]), repr(RING.index[1])):
        assert secret not in shown
