"""Change an endpoint: its address, its wishes, its secrets, whether it is enabled; or remove it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from registry.domain.callers import Caller
from registry.domain.endpoints import (
    MAX_SECRETS,
    DisabledReason,
    Endpoint,
    EndpointStatus,
    TooManySecretsError,
    secrets_in_force,
)
from registry.domain.errors import InvalidInputError, NotFoundError
from registry.operations.register_endpoint import fresh_secret, url_faults
from registry.signing.keys import KeyRing
from registry.storage.database import Database
from registry.storage.endpoint_deliveries import queue_ping
from registry.storage.endpoints import clear_failures, lock_endpoint, remove_endpoint, replace_endpoint
from registry.webhooks.addresses import Reach


@dataclass(frozen=True, slots=True)
class EndpointChange:
    """What is to change: members of `Wishes` by name, and whether events are delivered; None leaves it."""

    wishes: Mapping[str, Any]
    enabled: bool | None = None


async def change_endpoint(
    database: Database,
    keys: KeyRing,
    caller: Caller,
    endpoint_id: UUID,
    change: EndpointChange,
    reach: Reach,
    *,
    now: datetime,
) -> Endpoint:
    """Change an endpoint. Another address, and enabling what the registry disabled, ask for the proof anew.

    Committed when this returns. Raises NotFoundError, InvalidInputError, UnavailableError.
    """
    async with database.transaction() as session:
        endpoint = await lock_endpoint(session, keys, caller, endpoint_id)
        if endpoint is None:
            raise NotFoundError
        wishes = replace(endpoint.wishes, **change.wishes)
        faults = url_faults(wishes.url, reach)
        if faults:
            raise InvalidInputError(tuple(faults))
        proven_at = endpoint.proven_at if wishes.url == endpoint.wishes.url else None
        changed = _turn(replace(endpoint, wishes=wishes, proven_at=proven_at), change.enabled, now)
        changed = replace(changed, version=endpoint.version + 1)
        await replace_endpoint(session, keys, changed)
        if changed.status is EndpointStatus.PENDING:
            await queue_ping(session, endpoint_id, now=now)
        if change.enabled or changed.proven_at is None:
            await clear_failures(session, endpoint_id)
            changed = replace(changed, failing_since=None)
    await database.wakeups.tell({endpoint.audience})
    return changed


def _turn(endpoint: Endpoint, enabled: bool | None, now: datetime) -> Endpoint:  # noqa: FBT001  # None leaves it
    """Enable or disable as wished; what is wanted but not proved is pending."""
    wanted = endpoint.status is not EndpointStatus.DISABLED if enabled is None else enabled
    if not wanted:
        status, reason = EndpointStatus.DISABLED, endpoint.reason or DisabledReason.OWNER
    elif endpoint.proven_at is None:
        status, reason = EndpointStatus.PENDING, None
    else:
        status, reason = EndpointStatus.ENABLED, None
    since = endpoint.status_since if status is endpoint.status else now
    return replace(endpoint, status=status, reason=reason, status_since=since)


async def rotate_secret(
    database: Database, keys: KeyRing, caller: Caller, endpoint_id: UUID, overlap: timedelta, *, now: datetime
) -> Endpoint:
    """Give an endpoint new secrets; the earlier ones go on signing beside them for the overlap.

    Committed when this returns. Raises NotFoundError, TooManySecretsError, UnavailableError.
    """
    async with database.transaction() as session:
        endpoint = await lock_endpoint(session, keys, caller, endpoint_id)
        if endpoint is None:
            raise NotFoundError
        ends = now + overlap
        earlier = [
            replace(secret, until=ends if secret.until is None else min(secret.until, ends))
            for secret in endpoint.secrets
        ]
        secrets = (fresh_secret(), *secrets_in_force(earlier, now))
        if len(secrets) > MAX_SECRETS:
            raise TooManySecretsError
        rotated = replace(endpoint, secrets=secrets, version=endpoint.version + 1)
        await replace_endpoint(session, keys, rotated)
    return rotated


async def delete_endpoint(
    database: Database, keys: KeyRing, caller: Caller, endpoint_id: UUID, *, now: datetime
) -> None:
    """Remove an endpoint for good: its address and secrets at once, its deliveries in time.

    Committed when this returns. Raises NotFoundError, UnavailableError.
    """
    async with database.transaction() as session:
        if await lock_endpoint(session, keys, caller, endpoint_id) is None:
            raise NotFoundError
        await remove_endpoint(session, endpoint_id, now=now)
