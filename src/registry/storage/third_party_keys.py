"""The RSA keys of third parties: public halves in the clear, private halves under a key of their own."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Row, exists, func, insert, select, update

from registry.domain.parties import Party
from registry.signing.encryption import decrypt, encrypt, new_data_secret
from registry.signing.keys import KeyRing
from registry.signing.rsa_keys import RsaSigningKey, rsa_key_from_jwk
from registry.storage.database import ReadSession, WriteSession
from registry.storage.tables import templates, third_party_keys

_keys = third_party_keys.c


@dataclass(frozen=True, slots=True)
class ThirdPartyKey:
    """A key that signs from a time on, until a later one of its third party takes over.

    `private` opens with `open_third_party_key`, which takes milliseconds: keep what it gives.
    """

    kid: str
    third_party: Party
    public_jwk: dict[str, str]
    active_from: datetime
    withdrawn_at: datetime | None
    private: "EncryptedKey" = field(repr=False)


@dataclass(frozen=True, slots=True)
class EncryptedKey:
    """A private JWK under a data key of its own, which is wrapped."""

    kek_number: int
    wrapped: bytes
    ciphertext: bytes


async def lock_third_party_keys(session: WriteSession, third_party: Party) -> None:
    """Wait for every other change of this third party's keys."""
    name = f"third_party_keys:{third_party}"
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


async def add_third_party_key(
    session: WriteSession, keys: KeyRing, third_party: Party, key: RsaSigningKey, *, active_from: datetime
) -> ThirdPartyKey:
    """Keep a new key, its private half encrypted."""
    secret = new_data_secret()
    number, wrapped = keys.wrap(secret, _subject(key.kid))
    ciphertext = encrypt(secret.data_key, orjson.dumps(key.to_private_jwk()), _place(third_party, key.kid))
    added = ThirdPartyKey(
        key.kid, third_party, key.public_jwk(), active_from, None, EncryptedKey(number, wrapped, ciphertext)
    )
    await session.execute(
        insert(third_party_keys).values(
            kid=added.kid,
            third_party=str(third_party),
            public_jwk=added.public_jwk,
            active_from=active_from,
            kek_number=number,
            wrapped=wrapped,
            ciphertext=ciphertext,
        )
    )
    return added


async def list_third_party_keys(session: ReadSession, third_party: Party) -> list[ThirdPartyKey]:
    """A third party's keys, oldest first, withdrawn ones too."""
    rows = await session.execute(
        select(third_party_keys)
        .where(_keys.third_party == str(third_party))
        .order_by(_keys.active_from, _keys.kid)
    )
    return [_read(row, third_party) for row in rows]


async def withdraw_key(session: WriteSession, third_party: Party, kid: str, *, now: datetime) -> bool:
    """Mark a key as withdrawn. False where there is none, or it was withdrawn before."""
    result = await session.execute(
        update(third_party_keys)
        .where(_keys.kid == kid, _keys.third_party == str(third_party), _keys.withdrawn_at.is_(None))
        .values(withdrawn_at=now)
    )
    return result.rowcount == 1


async def owns_templates(session: ReadSession, third_party: Party) -> bool:
    """Whether this is a third party at all: one that owns a template, of whatever status."""
    found = await session.execute(select(exists().where(templates.c.third_party == str(third_party))))
    return bool(found.scalar_one())


def open_third_party_key(keys: KeyRing, stored: ThirdPartyKey) -> RsaSigningKey:
    """The key, ready to sign. Raises DecryptionError; InvalidKeyError where it is damaged."""
    private = stored.private
    secret = keys.unwrap(private.kek_number, private.wrapped, _subject(stored.kid))
    plain = decrypt(secret.data_key, private.ciphertext, _place(stored.third_party, stored.kid))
    return rsa_key_from_jwk(orjson.loads(plain))


def _read(row: Row[Any], third_party: Party) -> ThirdPartyKey:
    private = EncryptedKey(row.kek_number, row.wrapped, row.ciphertext)
    return ThirdPartyKey(row.kid, third_party, row.public_jwk, row.active_from, row.withdrawn_at, private)


def _subject(kid: str) -> str:
    return f"third_party_keys/{kid}"


def _place(third_party: Party, kid: str) -> str:
    return f"third_party_keys/{third_party}/{kid}"
