"""Working off what is due, some at a time; what cannot be done holds up nothing else."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import TypeVar
from uuid import UUID

import structlog

from registry.domain.errors import UnavailableError
from registry.storage.database import Database, WriteSession

_Item = TypeVar("_Item")

Claim = Callable[[WriteSession, int, Collection[UUID]], Awaitable[Mapping[UUID, _Item]]]
"""Locks up to so many that are due, by id, but for these."""
Act = Callable[[WriteSession, Mapping[UUID, _Item]], Awaitable[Collection[UUID]]]
"""Does what is due, in the same transaction; gives the ids of those that it had to leave as they were."""

_log = structlog.get_logger(__name__)


async def work_off(
    database: Database, claim: Claim[_Item], act: Act[_Item], *, what: str, at_once: int
) -> int:
    """Do all that is due, in transactions of up to `at_once`; returns how many were done.

    Where one fails, each of it is tried for itself, and those that fail again are logged as `what`, by id,
    and left for another time. Raises UnavailableError, and whatever `claim` raises.
    """
    done, alone = 0, 0
    left: set[UUID] = set()
    while True:
        limit = 1 if alone else at_once
        claimed: Mapping[UUID, _Item] = {}
        try:
            async with database.transaction() as session:
                claimed = await claim(session, limit, left)
                left_now = await act(session, claimed) if claimed else ()
        except UnavailableError:
            raise
        except Exception as error:
            if not claimed:
                raise
            if len(claimed) > 1:
                alone = len(claimed)
                continue
            left_now = claimed.keys()
            _log.error("worker.left", what=what, id=str(*claimed), error=type(error).__name__)
        left.update(left_now)
        done += len(claimed) - len(left_now)
        alone = max(0, alone - 1)
        if len(claimed) < limit:
            return done
