"""Loads the demo through the registry's own acts, each dated when it happened.

It can be killed at any moment: the next call takes it up where it was, from the same start. The first client
is registered before everything else and tells the start; the others, all at once, when all else is there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from registry.demo.data import DemoData, DemoMandate, DemoTemplate, read_demo
from registry.demo.mandates import Loading, act_on, issue
from registry.domain.callers import Caller
from registry.domain.errors import ConflictError
from registry.domain.template import TemplateStatus, TemplateVersion
from registry.identity.client_secrets import hash_client_secret
from registry.identity.issuers import TrustedIssuers
from registry.operations.draft_template import create_template
from registry.operations.publish_template import publish_template_version
from registry.signing.keys import KeyRing
from registry.storage.clients import Client, add_client, get_client, list_clients
from registry.storage.database import Database, WriteSession
from registry.storage.locks import hold_lock
from registry.storage.templates import TemplateFilter, search_templates

SECRET: Final = "demo"  # noqa: S105  # published: every client of the demo has it

RETURN_URLS: Final = ("https://e-tjanst.example/", "http://127.0.0.1:8000/", "http://localhost:8000/")

_PAGE: Final = 100


class NotEmptyError(ConflictError):
    """This registry is in use: the demo, whose secrets everybody knows, is loaded only into an empty one."""


@dataclass(frozen=True, slots=True)
class DemoSummary:
    """What the registry holds of the demo; `is_new` unless an earlier call had loaded all of it."""

    data: DemoData
    is_new: bool


async def load_demo(
    database: Database, keys: KeyRing, issuers: TrustedIssuers, *, now: datetime
) -> DemoSummary:
    """Load the demo as of `now`, or what an interrupted call left out; change nothing where all was loaded.

    `issuers` must trust the demo's e-ID issuer. Committed act by act, while one more connection keeps a
    second process waiting. Raises NotEmptyError for a registry that has other clients already,
    UnavailableError.
    """
    async with database.transaction() as session:
        await hold_lock(session, "demo")
        first = await _begin(session, database, now)
        data = read_demo(first.created_at)
        is_complete = await get_client(session, data.clients[-1].client_id) is not None
        if not is_complete:
            await _load(Loading(database, keys, issuers, data))
            await _add_clients(database, [_client(caller, first) for caller in data.clients[1:]])
    return DemoSummary(data, is_new=not is_complete)


async def _begin(session: WriteSession, database: Database, now: datetime) -> Client:
    """The first client, registered now unless it was before."""
    caller = read_demo(now).clients[0]
    first = await get_client(session, caller.client_id)
    if first is None:
        if await list_clients(session):
            raise NotEmptyError
        secret_hash = await hash_client_secret(SECRET)
        first = Client(
            caller.client_id,
            caller.organisation,
            caller.scopes,
            created_at=now,
            secret_hash=secret_hash,
            return_urls=RETURN_URLS,
        )
        await _add_clients(database, [first])
    return first


def _client(caller: Caller, like: Client) -> Client:
    """A client as registered with another, whose secret and return addresses it shares."""
    return replace(like, client_id=caller.client_id, organisation=caller.organisation, scopes=caller.scopes)


async def _add_clients(database: Database, clients: Sequence[Client]) -> None:
    async with database.transaction() as session:
        for client in clients:
            await add_client(session, client)


async def _load(loading: Loading) -> None:
    data = loading.data
    known = await _list_templates(loading.database)
    templates = {template.key: await _publish(loading, template, known) for template in data.templates}
    issued: dict[str, UUID] = {}
    for at, mandate in _moments(data):
        if at == mandate.issued_at:
            issued[mandate.key] = await issue(loading, mandate, templates[mandate.template])
        else:
            await act_on(loading, mandate, issued[mandate.key])


def _moments(data: DemoData) -> list[tuple[datetime, DemoMandate]]:
    """When each mandate was issued and acted on, in the order of time."""
    moments = [(mandate.issued_at, mandate) for mandate in data.mandates]
    moments += [(mandate.act.at, mandate) for mandate in data.mandates if mandate.act is not None]
    return sorted(moments, key=lambda moment: moment[0])


async def _publish(loading: Loading, template: DemoTemplate, known: Sequence[TemplateVersion]) -> UUID:
    """Create and publish a template, or what is missing of that; returns its id."""
    database, at = loading.database, template.published_at
    caller = loading.data.client_of(template.content.third_party.party)
    found = next((version for version in known if version.content == template.content), None)
    if found is None:
        request = loading.request(caller, "create_template", template.key)
        template_id, number = await create_template(database, caller, template.content, request, now=at)
    else:
        template_id, number = found.id, found.version
    if found is None or found.status is TemplateStatus.DRAFT:
        await publish_template_version(database, loading.keys, caller, template_id, number, now=at)
    return template_id


async def _list_templates(database: Database) -> list[TemplateVersion]:
    """Every template that there is, in whatever status: what an interrupted call has made."""
    found: list[TemplateVersion] = []
    async with database.reading() as session:
        for status in TemplateStatus:
            page, _ = await search_templates(session, TemplateFilter(status), limit=_PAGE, offset=0)
            found += page
    return found
