"""Client secrets: random, hashed with scrypt, the same work for all, and never too many at once."""

import asyncio
import hashlib
import threading
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from registry.domain.errors import UnavailableError
from registry.identity.client_secrets import (
    MAX_PENDING,
    WORKERS,
    hash_client_secret,
    is_client_secret,
    new_client_secret,
)
from registry.signing.encodings import decode_base64url, encode_base64url

Work = dict[str, Any]


@pytest.fixture
def scrypt_work(monkeypatch: pytest.MonkeyPatch) -> list[Work]:
    """What scrypt was asked to do; it does it, too."""
    done: list[Work] = []
    scrypt: Callable[..., bytes] = hashlib.scrypt

    def counted(secret: bytes, **parameters: Any) -> bytes:  # noqa: ANN401  # passed on as they are
        done.append({name: value for name, value in parameters.items() if name != "salt"})
        return scrypt(secret, **parameters)

    monkeypatch.setattr(hashlib, "scrypt", counted)
    return done


def test_new_secrets_are_32_bytes_and_differ() -> None:
    made = {new_client_secret() for _ in range(100)}
    assert len(made) == 100
    assert {len(decode_base64url(secret)) for secret in made} == {32}


async def test_only_the_secret_fits_its_hash() -> None:
    stored = await hash_client_secret("räksmörgås: 100% +")
    assert await is_client_secret("räksmörgås: 100% +", stored)
    assert not await is_client_secret("räksmörgås: 100%  ", stored)
    assert not await is_client_secret(stored, stored)


async def test_a_hash_is_salted_scrypt_as_another_implementation_computes_it() -> None:
    stored, again = await asyncio.gather(hash_client_secret("demo"), hash_client_secret("demo"))
    assert stored != again
    _, name, parameters, salt, digest = stored.split("$")
    assert (name, parameters) == ("scrypt", "ln=14,r=8,p=1")
    Scrypt(decode_base64url(salt), length=32, n=2**14, r=8, p=1).verify(b"demo", decode_base64url(digest))


async def test_parameters_are_read_from_the_hash() -> None:
    """A hash made with other parameters, before or after a change of them, is still good."""
    digest = hashlib.scrypt(b"demo", salt=bytes(16), n=16, r=4, p=2, dklen=32)
    parts = f"{encode_base64url(bytes(16))}${encode_base64url(digest)}"
    assert await is_client_secret("demo", f"$scrypt$ln=4,r=4,p=2${parts}")
    assert not await is_client_secret("demo", f"$scrypt$ln=5,r=4,p=2${parts}")


async def test_nobody_costs_the_same_work_as_a_wrong_secret(scrypt_work: list[Work]) -> None:
    stored = await hash_client_secret("right")
    scrypt_work.clear()
    assert not await is_client_secret("wrong", stored)
    assert not await is_client_secret("wrong", None)
    known, nobody = scrypt_work
    assert known == nobody


@pytest.mark.parametrize("stored", ["", "demo", "$scrypt$ln=14,r=8,p=1$short$short", "$2b$12$abc"])
async def test_a_damaged_hash_is_an_error_and_never_a_match(stored: str) -> None:
    with pytest.raises(ValueError, match="not a scrypt hash"):
        await is_client_secret(stored, stored)


async def test_guessing_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """At most WORKERS run and MAX_PENDING wait or run; the next is turned away and later ones are served."""
    gate, all_at_work, lock = threading.Event(), threading.Event(), threading.Lock()
    running = most = 0

    def held_up(_secret: bytes, **_parameters: object) -> bytes:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
            if running == WORKERS:
                all_at_work.set()
        gate.wait(10)
        with lock:
            running -= 1
        return bytes(32)

    monkeypatch.setattr(hashlib, "scrypt", held_up)
    guesses = [asyncio.create_task(is_client_secret("guess", None)) for _ in range(MAX_PENDING)]
    try:
        await asyncio.sleep(0)
        with pytest.raises(UnavailableError, match="try again"):
            await is_client_secret("one more", None)
        # Those who go away make room, except where their work has begun.
        for guess in guesses[WORKERS:]:
            guess.cancel()
        cancelled = await asyncio.gather(*guesses[WORKERS:], return_exceptions=True)
        assert all(isinstance(result, asyncio.CancelledError) for result in cancelled)
        guesses[WORKERS:] = [
            asyncio.create_task(is_client_secret("later", None)) for _ in range(MAX_PENDING - WORKERS)
        ]
        await asyncio.sleep(0)
        with pytest.raises(UnavailableError):
            await is_client_secret("one more", None)
        assert await asyncio.to_thread(all_at_work.wait, 10)
    finally:
        gate.set()
    assert not any(await asyncio.gather(*guesses))
    assert most == WORKERS
    assert not await is_client_secret("served again", None)
