"""Templates and their versions: reading, drafting, publishing, retiring, searching."""

import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, func, insert, or_, select, true, tuple_, update

from registry.domain.parties import Party
from registry.domain.template import (
    MandateKind,
    TemplateContent,
    TemplateStatus,
    TemplateVersion,
    Texts,
    content_document,
    read_content,
)
from registry.storage.database import ReadSession, WriteSession
from registry.storage.tables import template_publications, template_retirements, template_versions, templates

_versions = template_versions.c

# Letters that Unicode does not decompose, as they are written where a keyboard lacks them.
_PLAIN_LETTERS = str.maketrans(
    {"æ": "ae", "ø": "o", "œ": "oe", "ð": "d", "đ": "d", "þ": "th", "ł": "l", "ŋ": "n", "ŧ": "t"}
)


@dataclass(frozen=True, slots=True)
class TemplateFilter:
    """What to list. None means any. `q` holds words that must all occur somewhere in the texts."""

    status: TemplateStatus = TemplateStatus.PUBLISHED
    third_party: Party | None = None
    kind: MandateKind | None = None
    service: str | None = None
    permission: str | None = None
    q: str | None = None
    updated_since: datetime | None = None
    owner: Party | None = None
    departments: frozenset[str] = frozenset()


async def add_template(
    session: WriteSession, template_id: UUID, third_party: Party, *, created_by: str, now: datetime
) -> None:
    """Record that a template exists and whose it is."""
    await session.execute(
        insert(templates).values(
            template_id=template_id, third_party=str(third_party), created_at=now, created_by=created_by
        )
    )


async def add_draft(session: WriteSession, version: TemplateVersion) -> None:
    """Add a draft version."""
    await session.execute(
        insert(template_versions).values(
            template_id=version.id,
            version=version.version,
            status=version.status.value,
            is_current=False,
            updated_at=version.updated_at,
            **content_columns(version.content),
        )
    )


async def replace_draft(session: WriteSession, version: TemplateVersion) -> None:
    """Replace a draft's content; the caller has locked the template and seen that it is a draft."""
    await session.execute(
        update(template_versions)
        .where(_versions.template_id == version.id, _versions.version == version.version)
        .values(updated_at=version.updated_at, **content_columns(version.content))
    )


async def lock_template(session: WriteSession, template_id: UUID, *, shared: bool = False) -> None:
    """Wait for every other change of this template; issuing takes the lock shared."""
    lock = func.pg_advisory_xact_lock_shared if shared else func.pg_advisory_xact_lock
    await session.execute(select(lock(func.hashtextextended(f"template:{template_id}", 0))))


async def publish_version(
    session: WriteSession, template_id: UUID, version: int, *, sealed: bytes, now: datetime
) -> None:
    """Freeze a draft, make it the current version, and keep its sealed record."""
    is_other = and_(_versions.template_id == template_id, _versions.is_current)
    await session.execute(
        update(template_versions).where(is_other).values(is_current=False, replaced_at=now, updated_at=now)
    )
    await session.execute(
        update(template_versions)
        .where(_versions.template_id == template_id, _versions.version == version)
        .values(status=TemplateStatus.PUBLISHED.value, is_current=True, published_at=now, updated_at=now)
    )
    await session.execute(
        insert(template_publications).values(
            template_id=template_id, version=version, published_at=now, sealed=sealed
        )
    )


async def retire(session: WriteSession, template_id: UUID, *, sealed: bytes, now: datetime) -> None:
    """Retire every published version, and keep the sealed record of it."""
    await session.execute(
        update(template_versions)
        .where(_versions.template_id == template_id, _versions.status == TemplateStatus.PUBLISHED.value)
        .values(status=TemplateStatus.RETIRED.value, updated_at=now)
    )
    await session.execute(
        insert(template_retirements).values(template_id=template_id, retired_at=now, sealed=sealed)
    )


async def get_version(
    session: ReadSession, template_id: UUID, version: int | None = None
) -> TemplateVersion | None:
    """One version, or the current one: the newest that was published."""
    wanted: ColumnElement[bool] = _versions.is_current if version is None else _versions.version == version
    row = await session.one_or_none(
        select(template_versions).where(_versions.template_id == template_id, wanted)
    )
    return None if row is None else _version(row)


async def get_versions(
    session: ReadSession, wanted: Collection[tuple[UUID, int]]
) -> dict[tuple[UUID, int], TemplateVersion]:
    """Several versions, by template and number."""
    rows = await session.execute(
        select(template_versions).where(tuple_(_versions.template_id, _versions.version).in_(wanted))
    )
    return {(row.template_id, row.version): _version(row) for row in rows}


async def list_versions(session: ReadSession, template_id: UUID) -> list[TemplateVersion]:
    """Every version, oldest first; empty for an unknown template."""
    rows = await session.execute(
        select(template_versions).where(_versions.template_id == template_id).order_by(_versions.version)
    )
    return [_version(row) for row in rows]


async def search_templates(
    session: ReadSession, wanted: TemplateFilter, *, limit: int, offset: int
) -> tuple[list[TemplateVersion], int]:
    """One page, in the order they last changed (newest first), and how many there are in all."""
    conditions = _conditions(wanted)
    total = (
        await session.execute(select(func.count()).select_from(template_versions).where(*conditions))
    ).scalar_one()
    rows = await session.execute(
        select(template_versions)
        .where(*conditions)
        .order_by(_versions.updated_at.desc(), _versions.template_id, _versions.version)
        .limit(limit)
        .offset(offset)
    )
    return [_version(row) for row in rows], total


async def find_unknown_permissions(
    session: ReadSession,
    third_party: Party,
    codes: frozenset[str],
    departments: frozenset[str] = frozenset(),
) -> frozenset[str]:
    """Those of the codes that no published or retired version of this third party offers.

    With `departments`, those that no version of theirs offers.
    """
    within = [_versions.department.in_(departments)] if departments else []
    rows = await session.execute(
        select(func.unnest(_versions.permission_codes).label("code"))
        .where(
            _versions.third_party == str(third_party),
            _versions.status != TemplateStatus.DRAFT.value,
            _versions.permission_codes.overlap(sorted(codes)),
            *within,
        )
        .distinct()
    )
    return codes - {row.code for row in rows}


def fold(text: str) -> str:
    """Fold a text for search: case, width, accents and strokes do not count, in any language."""
    decomposed = unicodedata.normalize("NFKD", text).casefold().translate(_PLAIN_LETTERS)
    return "".join(
        char for char in unicodedata.normalize("NFKD", decomposed) if not unicodedata.combining(char)
    )


def _conditions(wanted: TemplateFilter) -> list[ColumnElement[bool]]:
    conditions = [_versions.status == wanted.status.value]
    if wanted.status is not TemplateStatus.DRAFT:
        conditions.append(_versions.is_current)
    if wanted.owner is not None:
        conditions.append(_versions.third_party == str(wanted.owner))
    if wanted.third_party is not None:
        conditions.append(_versions.third_party == str(wanted.third_party))
    if wanted.kind is not None:
        conditions.append(_versions.kind == wanted.kind.value)
    if wanted.service is not None:
        conditions.append(_versions.services.contains([wanted.service]))
    if wanted.permission is not None:
        conditions.append(_versions.permission_codes.contains([wanted.permission]))
    if wanted.updated_since is not None:
        conditions.append(_versions.updated_at >= wanted.updated_since)
    if wanted.departments:
        foreign = _versions.third_party != str(wanted.owner) if wanted.owner is not None else ~true()
        conditions.append(or_(foreign, _versions.department.in_(wanted.departments)))
    conditions.extend(
        _versions.search_text.contains(word, autoescape=True) for word in fold(wanted.q or "").split()
    )
    return conditions


def content_columns(content: TemplateContent) -> Mapping[str, Any]:
    """The columns of `template_versions` that follow from a version's content."""
    texts = [
        content.third_party.name,
        content.department,
        content.external_code,
        *content.services,
        *_in_order(content.title),
        *_in_order(content.description),
        *(
            text
            for item in content.permissions
            for text in (*_in_order(item.title), *_in_order(item.description))
        ),
    ]
    return {
        "third_party": str(content.third_party.party),
        "department": content.department,
        "kind": content.kind.value,
        "services": list(content.services),
        "permission_codes": [permission.code for permission in content.permissions],
        "content": content_document(content),
        "search_text": fold("\n".join(text for text in texts if text)),
    }


def _in_order(texts: Texts) -> list[str]:
    """By language: a stored document does not keep the order in which its members were sent."""
    return [text for _, text in sorted(texts.items())]


def _version(row: Row[Any]) -> TemplateVersion:
    return TemplateVersion(
        id=row.template_id,
        version=row.version,
        status=TemplateStatus(row.status),
        content=read_content(row.content),
        updated_at=row.updated_at,
        published_at=row.published_at,
        replaced_at=row.replaced_at,
    )
