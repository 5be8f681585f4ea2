"""Revocation and the other acts on an issued mandate: who may, and when it is too late."""

from collections.abc import Collection

from registry.domain.documents import Json
from registry.domain.errors import ConflictError, ForbiddenError
from registry.domain.events import EventType, Status
from registry.domain.template import Role

REVOCATION_SCHEMA = "mandate-revocation/1"

_OVER = frozenset({Status.REVOKED, Status.EXPIRED, Status.USED_UP})


class MandateOverError(ConflictError):
    """The mandate is over."""

    def __init__(self, status: Status) -> None:
        """Name the status that the mandate has now."""
        super().__init__(f"The mandate is {status.value.replace('_', ' ')}: nothing is left to act on.")
        self.status = status


class SuspensionError(ConflictError):
    """A mandate is suspended once at a time, and only a suspended one is resumed."""


class UseClosedError(ConflictError):
    """The use has been closed already."""


def check_may_revoke(role: Role, allowed: Collection[Role]) -> None:
    """Raise ForbiddenError unless the template lets this role revoke."""
    if role not in allowed:
        names = ", ".join(item.value for item in allowed)
        raise ForbiddenError(f"On this template a mandate is revoked by: {names}.")


def is_over(status: Status) -> bool:
    """Whether a mandate of this status has ended in whatever way."""
    return status in _OVER


def check_not_over(status: Status) -> None:
    """Raise MandateOverError for a mandate that has ended in whatever way."""
    if is_over(status):
        raise MandateOverError(status)


def revocation_event(role: Role, *, is_holder: bool = True) -> EventType:
    """A representative renounces what it holds itself; what it granted on it revokes, as everybody else."""
    return EventType.RENOUNCED if role is Role.REPRESENTATIVE and is_holder else EventType.REVOKED


def revocation_document(mandate_id: str, role: Role, reason: str | None) -> dict[str, Json]:
    """The document whose RFC 8785 bytes a party signs to revoke or renounce."""
    return {
        "schema": REVOCATION_SCHEMA,
        "mandate_id": mandate_id,
        "by": role.value,
        "reason": reason,
    }
