"""Publish a template version, which freezes it, and retire a template, which stops new mandates."""

from datetime import datetime
from uuid import UUID

from registry.domain.callers import Caller
from registry.domain.documents import Json, utc_text
from registry.domain.errors import InvalidInputError, NotADraftError, NotFoundError
from registry.domain.notices import FeedEventType
from registry.domain.template import TemplateStatus, TemplateVersion, content_document
from registry.domain.template_rules import check_template
from registry.operations.announce import announce, circle_of
from registry.operations.draft_template import RetiredTemplateError, hold_own_version, is_own
from registry.signing.canonical import base64url_digest, canonical_bytes
from registry.signing.keys import KeyRing
from registry.signing.records import SealType, seal
from registry.storage.database import Database
from registry.storage.templates import get_version, list_versions, lock_template, publish_version, retire


async def publish_template_version(
    database: Database, keys: KeyRing, caller: Caller, template_id: UUID, number: int, *, now: datetime
) -> TemplateVersion:
    """Publish a draft: it becomes the current version and never changes again.

    The sealed record of its content is written in the same transaction. Publishing what is published
    already changes nothing. Raises NotFoundError, NotADraftError for a retired one, InvalidInputError.
    """
    async with database.transaction() as session:
        version = await hold_own_version(session, caller, template_id, number)
        if version.status is TemplateStatus.PUBLISHED:
            return version
        if version.status is TemplateStatus.RETIRED:
            raise NotADraftError
        versions = await list_versions(session, template_id)
        if any(item.status is TemplateStatus.RETIRED for item in versions):
            raise RetiredTemplateError
        if any(item.status is TemplateStatus.PUBLISHED and item.version > number for item in versions):
            raise NotADraftError("A newer version is published already: make a new draft instead.")
        faults = check_template(version.content)
        if faults:
            raise InvalidInputError(faults)
        document = _publication(version, caller, now)
        sealed = seal(document, keys, SealType.TEMPLATE, now=now)
        await publish_version(session, template_id, number, sealed=sealed, now=now)
        published = await get_version(session, template_id, number)
        circle = circle_of(keys, caller.organisation, (), published)
        await announce(session, circle, FeedEventType.TEMPLATE_PUBLISHED, template_id, {}, at=now)
    if published is None:
        raise RuntimeError("a published version does not disappear")
    return published


async def retire_template(
    database: Database, keys: KeyRing, caller: Caller, template_id: UUID, *, now: datetime
) -> TemplateVersion:
    """Retire a template: nothing new is issued on it, existing mandates stay valid.

    Retiring it again changes nothing. Raises NotFoundError, also for one that was never published.
    """
    async with database.transaction() as session:
        await lock_template(session, template_id)
        current = await get_version(session, template_id)
        if current is None or not is_own(caller, current):
            raise NotFoundError
        if current.status is not TemplateStatus.RETIRED:
            document: dict[str, Json] = {
                "schema": "template-retirement/1",
                "template_id": str(template_id),
                "retired_at": utc_text(now),
                "retired_by": caller.urn,
            }
            await retire(
                session, template_id, sealed=seal(document, keys, SealType.TEMPLATE, now=now), now=now
            )
            circle = circle_of(keys, caller.organisation, (), current)
            await announce(session, circle, FeedEventType.TEMPLATE_RETIRED, template_id, {}, at=now)
            current = await get_version(session, template_id)
    if current is None:
        raise RuntimeError("a retired template does not disappear")
    return current


def _publication(version: TemplateVersion, caller: Caller, now: datetime) -> dict[str, Json]:
    content = content_document(version.content)
    return {
        "schema": "template-publication/1",
        "template_id": str(version.id),
        "version": version.version,
        "published_at": utc_text(now),
        "published_by": caller.urn,
        "content": content,
        "content_digest": base64url_digest(canonical_bytes(content)),
    }
