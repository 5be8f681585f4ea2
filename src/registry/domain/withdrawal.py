"""Withdrawal asked for: the principal asks the third party to end a mandate, which completes or refuses that.

Asking ends nothing: the mandate's status is as before until the third party has answered. It is always
allowed, also where the template does not let the principal revoke by itself.
"""

from datetime import datetime
from uuid import UUID

from registry.domain.documents import Json
from registry.domain.errors import ConflictError
from registry.domain.template import Role

WITHDRAWAL_REQUEST_SCHEMA = "mandate-withdrawal-request/1"

MAY_ASK = frozenset({Role.PRINCIPAL, Role.REGISTRAR})
"""Who asks: the principal, or a registrar for a principal who cannot by itself."""


class WithdrawalOpenError(ConflictError):
    """A withdrawal of this mandate is asked for already, and not yet answered."""

    def __init__(self, event_id: UUID, asked_at: datetime) -> None:
        """Name the event by which it was asked for."""
        super().__init__()
        self.event_id = event_id
        self.asked_at = asked_at


class WithdrawalAnsweredError(ConflictError):
    """This request was refused already: the principal may ask again."""


def withdrawal_request_document(mandate_id: str, role: Role, reason: str) -> dict[str, Json]:
    """The document whose RFC 8785 bytes a principal signs to ask for withdrawal."""
    return {
        "schema": WITHDRAWAL_REQUEST_SCHEMA,
        "mandate_id": mandate_id,
        "by": role.value,
        "reason": reason,
    }
