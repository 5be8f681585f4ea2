"""A third party's RSA keys: the first one on demand, later ones by rotation, a bad one withdrawn."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from registry.domain.errors import NotFoundError
from registry.domain.parties import Party
from registry.signing.keys import KeyRing
from registry.signing.rsa_keys import generate_rsa_key
from registry.storage.database import Database
from registry.storage.third_party_keys import (
    ThirdPartyKey,
    add_third_party_key,
    list_third_party_keys,
    lock_third_party_keys,
    owns_templates,
    withdraw_key,
)


async def ensure_third_party_keys(
    database: Database, keys: KeyRing, third_party: Party, *, now: datetime
) -> list[ThirdPartyKey]:
    """The keys of a third party, oldest first; its first one is made here, once, whoever asks first.

    Empty for an organisation that owns no template: it is no third party, and gets no key. Raises
    UnavailableError.
    """
    async with database.reading() as session:
        found = await list_third_party_keys(session, third_party)
        if any(item.withdrawn_at is None for item in found) or not await owns_templates(session, third_party):
            return found
    key = await asyncio.to_thread(generate_rsa_key, now)
    async with database.transaction() as session:
        await lock_third_party_keys(session, third_party)
        found = await list_third_party_keys(session, third_party)
        if any(item.withdrawn_at is None for item in found):
            return found
        return [*found, await add_third_party_key(session, keys, third_party, key, active_from=now)]


async def rotate_third_party_key(
    database: Database, keys: KeyRing, third_party: Party, *, active_in: timedelta, now: datetime
) -> ThirdPartyKey:
    """Add a key, published now and signing after `active_in`; those before it stay published.

    Raises NotFoundError for an organisation that owns no template, UnavailableError.
    """
    key = await asyncio.to_thread(generate_rsa_key, now)
    async with database.transaction() as session:
        await lock_third_party_keys(session, third_party)
        if not await owns_templates(session, third_party):
            raise NotFoundError("This organisation owns no template: it signs nothing.")
        known = await list_third_party_keys(session, third_party)
        standing = [item.active_from for item in known if item.withdrawn_at is None]
        active_from = max([now + active_in, *standing])
        return await add_third_party_key(session, keys, third_party, key, active_from=active_from)


async def withdraw_third_party_key(
    database: Database, third_party: Party, kid: str, *, now: datetime
) -> None:
    """Withdraw a key: it signs no more and is published no more, so that nothing it signed verifies.

    Processes that serve take it up within a minute. Raises NotFoundError, UnavailableError.
    """
    async with database.transaction() as session:
        await lock_third_party_keys(session, third_party)
        if not await withdraw_key(session, third_party, kid, now=now):
            raise NotFoundError("This third party has no such key, or it was withdrawn before.")


def current_key(known: Sequence[ThirdPartyKey], now: datetime) -> ThirdPartyKey | None:
    """The newest key that signs by now and is not withdrawn; the next one where none does yet."""
    good = [item for item in known if item.withdrawn_at is None]
    active = [item for item in good if item.active_from <= now]
    return active[-1] if active else next(iter(good), None)
