"""Statutory deliveries on the wire."""

from typing import Annotated

from pydantic import Field

from registry.api.models.fields import (
    Id,
    UtcTime,
    WireIn,
    WireOut,
)
from registry.api.models.proposals import TermsIn
from registry.domain.events import Status


class DeliveredMandateIn(TermsIn):
    """A mandate that the law or a court gives. An absent `valid_until` is the default, null is open-ended.

    Nobody signs it: the authority does, by delivering it.
    """


class DeliveryIn(WireIn):
    """Everything that stands under the key from now on; an empty list ends all."""

    mandates: Annotated[list[DeliveredMandateIn], Field(max_length=1000)]


class DeliveredMandateOut(WireOut):
    """A mandate of the delivery, in its order; `is_new` where this delivery issued it.

    One that ended otherwise stays ended, however often it is delivered: its `status` says so.
    """

    id: Id
    is_new: bool
    status: Status


class DeliveryOut(WireOut):
    """What stands under the key now, and what ended because it was no longer delivered.

    `delivered_at` is when that last changed: the same delivery again changes nothing.
    """

    source: str
    key: str
    delivered_at: UtcTime
    mandates: list[DeliveredMandateOut]
    ended: list[Id]
    consistency_token: str
