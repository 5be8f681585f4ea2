"""The mandate requests that wait for a person's signature, across third parties. Itself logged."""

from dataclasses import dataclass, replace
from datetime import datetime

from registry.domain.callers import Caller
from registry.domain.parties import Party
from registry.domain.template import TemplateContent
from registry.operations.look_up_request import FoundRequest, find_requests
from registry.storage.access_log import AccessLog
from registry.storage.request_states import RequestFilter
from registry.storage.templates import get_versions

MOST_WAITING = 100
"""How many are shown at most; those that were asked first come first."""


@dataclass(frozen=True, slots=True)
class WaitingRequest:
    """A request that the person may sign, with the template on whose terms."""

    found: FoundRequest
    template: TemplateContent


async def list_waiting_requests(
    log: AccessLog, caller: Caller, person: Party, *, now: datetime
) -> list[WaitingRequest]:
    """The pending requests that wait for this person, in the order they were made.

    Raises UnavailableError.
    """
    as_person = replace(caller, organisation=person, departments=frozenset())
    wanted = RequestFilter(now, signer=person)
    found = await find_requests(
        log, as_person, wanted, document={"own": True}, after=None, limit=MOST_WAITING
    )
    contents = [item.request.content for item in found]
    async with log.database.reading() as session:
        versions = {(item.template_id, item.template_version) for item in contents}
        templates = await get_versions(session, versions)
    return [
        WaitingRequest(item, templates[content.template_id, content.template_version].content)
        for item, content in zip(found, contents, strict=True)
    ]
