"""Draft templates: a new one, a new version of one, and editing a draft."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from registry.domain.callers import Caller
from registry.domain.errors import (
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    NotADraftError,
    NotFoundError,
)
from registry.domain.template import TemplateContent, TemplateStatus, TemplateVersion
from registry.domain.template_rules import check_template
from registry.storage.database import Database, WriteSession
from registry.storage.idempotency import IdempotentRequest, claim_key, record_effect
from registry.storage.templates import (
    add_draft,
    add_template,
    get_version,
    list_versions,
    lock_template,
    replace_draft,
)


class RetiredTemplateError(ConflictError):
    """The template is retired: make a new template instead."""


async def create_template(
    database: Database,
    caller: Caller,
    content: TemplateContent,
    idempotent: IdempotentRequest,
    *,
    now: datetime,
) -> tuple[UUID, int]:
    """Create a template of the caller's organisation with version 1 as a draft; returns id and version.

    Committed when this returns; the same request under the same key returns the same again. Raises
    InvalidInputError with every fault, ForbiddenError for another organisation's template,
    IdempotencyKeyReusedError, RequestInProgressError, UnavailableError.
    """
    _check_content(caller, content)
    async with database.transaction() as session:
        earlier = await claim_key(session, idempotent)
        if earlier is not None:
            return earlier.object_id, earlier.object_version or 1
        version = TemplateVersion(uuid7(), 1, TemplateStatus.DRAFT, content, now)
        await add_template(
            session, version.id, content.third_party.party, created_by=caller.client_id, now=now
        )
        await add_draft(session, version)
        await record_effect(session, idempotent, version.id, version.version, now=now)
    return version.id, version.version


async def add_template_version(
    database: Database,
    caller: Caller,
    template_id: UUID,
    content: TemplateContent,
    idempotent: IdempotentRequest,
    *,
    now: datetime,
) -> tuple[UUID, int]:
    """Add a draft as the next version of a template; returns id and version.

    Raises as `create_template`; also NotFoundError, RetiredTemplateError.
    """
    _check_content(caller, content)
    async with database.transaction() as session:
        earlier = await claim_key(session, idempotent)
        if earlier is not None:
            return earlier.object_id, earlier.object_version or 1
        await lock_template(session, template_id)
        versions = [item for item in await list_versions(session, template_id) if is_own(caller, item)]
        if not versions:
            raise NotFoundError
        if any(item.status is TemplateStatus.RETIRED for item in versions):
            raise RetiredTemplateError
        version = TemplateVersion(template_id, versions[-1].version + 1, TemplateStatus.DRAFT, content, now)
        await add_draft(session, version)
        await record_effect(session, idempotent, version.id, version.version, now=now)
    return version.id, version.version


async def edit_draft(
    database: Database,
    caller: Caller,
    template_id: UUID,
    number: int,
    content: TemplateContent,
    *,
    now: datetime,
) -> TemplateVersion:
    """Replace a draft's content; committed when this returns.

    Raises InvalidInputError, ForbiddenError, NotFoundError, NotADraftError, UnavailableError.
    """
    _check_content(caller, content)
    async with database.transaction() as session:
        draft = await hold_own_version(session, caller, template_id, number)
        if draft.status is not TemplateStatus.DRAFT:
            raise NotADraftError
        edited = replace(draft, content=content, updated_at=now)
        await replace_draft(session, edited)
    return edited


async def hold_own_version(
    session: WriteSession, caller: Caller, template_id: UUID, number: int
) -> TemplateVersion:
    """Lock a template and return one version of it. Raises NotFoundError unless it is the caller's own."""
    await lock_template(session, template_id)
    version = await get_version(session, template_id, number)
    if version is None or not is_own(caller, version):
        raise NotFoundError
    return version


def is_own(caller: Caller, version: TemplateVersion) -> bool:
    """Whether the template is of the caller's organisation and within its departments."""
    content = version.content
    is_of_organisation = content.third_party.party == caller.organisation
    return is_of_organisation and caller.may_see_department(content.department)


def _check_content(caller: Caller, content: TemplateContent) -> None:
    if content.third_party.party != caller.organisation:
        raise ForbiddenError("A template is written by clients of its third party.")
    if not caller.may_see_department(content.department):
        names = ", ".join(sorted(caller.departments))
        raise ForbiddenError(f"This client is limited to templates of: {names}.")
    faults = check_template(content)
    if faults:
        raise InvalidInputError(faults)
