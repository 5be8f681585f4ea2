"""What can go wrong, in the domain's words.

No error here knows of HTTP: `registry.api.problems` maps each class to a status once.
A class docstring is the error's default message to the caller.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with an input: where, which rule, and what would be right.

    `pointer` is an RFC 6901 JSON pointer into the request body ("" is the whole body).
    `code` is stable and machine-readable; `message` is for a person and never repeats personal data.
    """

    pointer: str
    code: str
    message: str


class RegistryError(Exception):
    """The registry could not do what was asked."""

    def __init__(self, message: str | None = None) -> None:
        """Keep the given message, or the class docstring's first line."""
        self.message = message or (type(self).__doc__ or "").strip().splitlines()[0]
        super().__init__(self.message)


class InvalidInputError(RegistryError):
    """The request breaks one or more rules: every fault is named."""

    def __init__(self, faults: tuple[Fault, ...], message: str | None = None) -> None:
        """Carry every fault found, in the order of the request."""
        super().__init__(message)
        self.faults = faults


class InvalidPartyIdError(RegistryError):
    """The identifier is not valid in its scheme."""

    def __init__(self, code: str, message: str) -> None:
        """`code` is one of `unknown_scheme`, `format`, `check_digit`, `date`."""
        super().__init__(message)
        self.code = code


class UnauthenticatedError(RegistryError):
    """A valid access token is required: send `Authorization: Bearer <token>`."""


class ForbiddenError(RegistryError):
    """The caller may not do this."""


class MissingScopeError(ForbiddenError):
    """The access token lacks the scope that this operation needs."""

    def __init__(self, scope: str, message: str | None = None) -> None:
        """Name the scope that is missing; `message` says more where only some requests need it."""
        super().__init__(message or f"The access token lacks the scope `{scope}` that this operation needs.")
        self.scope = scope


class NotFoundError(RegistryError):
    """There is no such object, or it is not yours to see."""


class ConflictError(RegistryError):
    """The request conflicts with the present state."""


class AlreadyInForceError(ConflictError):
    """A mandate with the same parties, template, permissions and overlapping time is already in force."""

    def __init__(self, mandate_id: UUID) -> None:
        """Name the mandate in force."""
        super().__init__()
        self.mandate_id = mandate_id


class AlreadyIssuedError(ConflictError):
    """These signatures have made a mandate already: sign anew for another."""

    def __init__(self, mandate_id: UUID) -> None:
        """Name the mandate that was issued on the same content, ended or not."""
        super().__init__()
        self.mandate_id = mandate_id


class AlreadyEndedError(ConflictError):
    """The mandate has already ended."""

    def __init__(self, event_id: UUID, event_type: str, ended_at: datetime) -> None:
        """Name the event that ended it first."""
        super().__init__()
        self.event_id = event_id
        self.event_type = event_type
        self.ended_at = ended_at


class NotADraftError(ConflictError):
    """Only a draft can be changed or published; make a new version instead."""


class IdempotencyKeyReusedError(RegistryError):
    """This Idempotency-Key was used with another request: use a new key for a new request."""


class RequestInProgressError(ConflictError):
    """A request with this Idempotency-Key is still running: try again shortly."""


class LogPendingError(ConflictError):
    """Not all of it is in the transparency log yet: try again in two seconds."""


class UnavailableError(RegistryError):
    """The registry cannot answer just now: try again, with the same Idempotency-Key if you sent one."""


class OperatorError(Exception):
    """The registry is set up wrongly: its operator reads what is wrong, and no caller does."""
