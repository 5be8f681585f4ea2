"""What of an organisation is its departments': the conditions by which a limited client sees and writes.

A template version names its department, and all that hangs on a template is that department's. What names a
permission or an e-service instead is of every department whose templates, published or retired, offer it.
"""

from uuid import UUID

from sqlalchemy import ColumnElement, any_, literal, select

from registry.domain.parties import Party
from registry.domain.template import TemplateStatus
from registry.storage.database import ReadSession
from registry.storage.tables import template_versions

_versions = template_versions.c


def is_of_departments(
    template_id: ColumnElement[UUID], version: ColumnElement[int], departments: frozenset[str]
) -> ColumnElement[bool]:
    """The condition that a row's template version is of one of these departments."""
    return (
        select(_versions.template_id)
        .where(
            _versions.template_id == template_id,
            _versions.version == version,
            _versions.department.in_(departments),
        )
        .exists()
    )


def has_permission_of_departments(
    third_party: ColumnElement[str], permission: ColumnElement[str], departments: frozenset[str]
) -> ColumnElement[bool]:
    """The condition that templates of these departments offer a row's permission."""
    return _offers(_versions.permission_codes, third_party, permission, departments)


def has_service_of_departments(
    third_party: ColumnElement[str], service: ColumnElement[str], departments: frozenset[str]
) -> ColumnElement[bool]:
    """The condition that templates of these departments are for a row's e-service, where it has one."""
    return _offers(_versions.services, third_party, service, departments)


async def is_service_of(
    session: ReadSession, third_party: Party, service: str, departments: frozenset[str]
) -> bool:
    """Whether a published or retired template of these departments is for this e-service."""
    within = has_service_of_departments(literal(str(third_party)), literal(service), departments)
    return bool((await session.execute(select(within))).scalar_one())


def _offers(
    offered: ColumnElement[list[str]],
    third_party: ColumnElement[str],
    value: ColumnElement[str],
    departments: frozenset[str],
) -> ColumnElement[bool]:
    return (
        select(_versions.template_id)
        .where(
            _versions.third_party == third_party,
            _versions.status != TemplateStatus.DRAFT.value,
            _versions.department.in_(departments),
            value == any_(offered),
        )
        .exists()
    )
