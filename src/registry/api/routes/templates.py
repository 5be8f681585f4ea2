"""Templates: list, read, draft, publish, retire."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response, status
from pydantic import Field

from registry.api.etags import CONDITIONAL, conditional
from registry.api.models.fields import Code, Id, InDigits, UtcTime, Words
from registry.api.models.templates import TemplateIn, TemplateList, TemplateOut, TemplateVersions
from registry.api.queries import read_organisation, refuse_persons
from registry.api.route import CallerDep, IdempotentDep, RegistryRoute, RuntimeDep, needs
from registry.api.runtime import Runtime
from registry.domain.callers import Caller, Scope
from registry.domain.errors import ForbiddenError, NotADraftError, NotFoundError, RequestInProgressError
from registry.domain.template import MandateKind, TemplateStatus, TemplateVersion
from registry.operations.draft_template import (
    RetiredTemplateError,
    add_template_version,
    create_template,
    edit_draft,
    is_own,
)
from registry.operations.publish_template import publish_template_version, retire_template
from registry.storage.templates import TemplateFilter, get_version, list_versions, search_templates

router = APIRouter(prefix="/v1/templates", tags=["Templates"], route_class=RegistryRoute)

Number = Annotated[
    int, Field(ge=1, le=100_000), InDigits, Path(description="The number of a version, from 1")
]


@router.get(
    "",
    summary="List templates",
    response_model=TemplateList,
    responses=CONDITIONAL,
    openapi_extra=needs(Scope.TEMPLATES_READ),
)
async def list_templates(  # noqa: PLR0913  # one argument per filter of the contract
    request: Request,
    runtime: RuntimeDep,
    caller: CallerDep,
    *,
    third_party: Annotated[
        str | None,
        Query(
            description="An organisation as `scheme:value`", examples=["se-orgnr:2120002411"], max_length=100
        ),
    ] = None,
    kind: Annotated[MandateKind | None, Query(description="Powers of attorney, or consents")] = None,
    service: Annotated[Code | None, Query(description="The stable UID of an e-service")] = None,
    permission: Annotated[Code | None, Query(description="The code of a permission")] = None,
    wanted_status: Annotated[
        TemplateStatus, Query(alias="status", description="Of drafts you see your own organisation's")
    ] = TemplateStatus.PUBLISHED,
    q: Annotated[
        Words | None,
        Query(description="Words that must all occur in the texts, in any language", max_length=200),
    ] = None,
    updated_since: Annotated[UtcTime | None, Query(description="Changed at or after this time")] = None,
    limit: Annotated[int, Field(ge=1, le=100), InDigits, Query(description="How many at most")] = 20,
    offset: Annotated[int, Field(ge=0, le=100_000), InDigits, Query(description="How many to pass over")] = 0,
) -> Response:
    """List the current versions of templates, those that changed last first.

    Every authenticated client sees every third party's published and retired templates. Find the template
    that belongs to an e-service by `service`. To poll, send `If-None-Match`, or `updated_since` a minute
    before the newest `updated_at` that you have.
    """
    refuse_persons(service=service, permission=permission, q=q)
    filters = TemplateFilter(
        status=wanted_status,
        third_party=read_organisation("third_party", third_party),
        kind=kind,
        service=service,
        permission=permission,
        q=q,
        updated_since=updated_since,
        owner=caller.organisation if wanted_status is TemplateStatus.DRAFT else None,
        departments=caller.departments if wanted_status is TemplateStatus.DRAFT else frozenset(),
    )
    async with runtime.database.reading() as session:
        versions, total = await search_templates(session, filters, limit=limit, offset=offset)
    items = [TemplateOut.of(version) for version in versions]
    return conditional(request, TemplateList(items=items, total=total, limit=limit, offset=offset))


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Create a template",
    openapi_extra=needs(Scope.TEMPLATES_WRITE, ForbiddenError, RequestInProgressError),
)
async def create(
    body: TemplateIn, runtime: RuntimeDep, caller: CallerDep, idempotent: IdempotentDep, response: Response
) -> TemplateOut:
    """Create a template of your organisation, with version 1 as a draft."""
    template_id, number = await create_template(
        runtime.database, caller, body.to_content(), idempotent, now=runtime.now()
    )
    return await _created(runtime, caller, template_id, number, response)


@router.get(
    "/{template_id}",
    summary="Read a template",
    response_model=TemplateOut,
    responses=CONDITIONAL,
    openapi_extra=needs(Scope.TEMPLATES_READ),
)
async def read_current(request: Request, template_id: Id, runtime: RuntimeDep, caller: CallerDep) -> Response:
    """Read the newest published version, also of a retired template; else your own newest draft."""
    async with runtime.database.reading() as session:
        version = await get_version(session, template_id)
        if version is None:
            drafts = await list_versions(session, template_id)
            version = next((item for item in reversed(drafts) if _is_visible(caller, item)), None)
    if version is None:
        raise NotFoundError
    return conditional(request, TemplateOut.of(version))


@router.get("/{template_id}/versions", summary="List versions", openapi_extra=needs(Scope.TEMPLATES_READ))
async def read_versions(template_id: Id, runtime: RuntimeDep, caller: CallerDep) -> TemplateVersions:
    """List every version, oldest first; drafts to their own organisation only."""
    async with runtime.database.reading() as session:
        versions = await list_versions(session, template_id)
    items = [TemplateOut.of(version) for version in versions if _is_visible(caller, version)]
    if not items:
        raise NotFoundError
    return TemplateVersions(items=items)


@router.get(
    "/{template_id}/versions/{number}",
    summary="Read a version",
    response_model=TemplateOut,
    responses=CONDITIONAL,
    openapi_extra=needs(Scope.TEMPLATES_READ),
)
async def read_version(
    request: Request, template_id: Id, number: Number, runtime: RuntimeDep, caller: CallerDep
) -> Response:
    """Read one version: a published one never changes."""
    return conditional(request, TemplateOut.of(await _version(runtime, caller, template_id, number)))


@router.post(
    "/{template_id}/versions",
    status_code=status.HTTP_201_CREATED,
    summary="Add a version",
    openapi_extra=needs(Scope.TEMPLATES_WRITE, ForbiddenError, RequestInProgressError, RetiredTemplateError),
)
async def add_version(
    template_id: Id,
    body: TemplateIn,
    runtime: RuntimeDep,
    caller: CallerDep,
    idempotent: IdempotentDep,
    response: Response,
) -> TemplateOut:
    """Add the next version of your template, as a draft."""
    _, number = await add_template_version(
        runtime.database, caller, template_id, body.to_content(), idempotent, now=runtime.now()
    )
    return await _created(runtime, caller, template_id, number, response)


@router.put(
    "/{template_id}/versions/{number}",
    summary="Edit a draft",
    openapi_extra=needs(Scope.TEMPLATES_WRITE, ForbiddenError, NotADraftError),
)
async def edit(
    template_id: Id, number: Number, body: TemplateIn, runtime: RuntimeDep, caller: CallerDep
) -> TemplateOut:
    """Replace a draft's content. A published version never changes: add a new one."""
    version = await edit_draft(
        runtime.database, caller, template_id, number, body.to_content(), now=runtime.now()
    )
    return TemplateOut.of(version)


@router.post(
    "/{template_id}/versions/{number}/publication",
    summary="Publish a version",
    openapi_extra=needs(Scope.TEMPLATES_WRITE, NotADraftError, RetiredTemplateError),
)
async def publish(template_id: Id, number: Number, runtime: RuntimeDep, caller: CallerDep) -> TemplateOut:
    """Publish a draft: it is sealed, never changes again, and is the one that new mandates use."""
    version = await publish_template_version(
        runtime.database, runtime.keys, caller, template_id, number, now=runtime.now()
    )
    return TemplateOut.of(version)


@router.post(
    "/{template_id}/retirement", summary="Retire a template", openapi_extra=needs(Scope.TEMPLATES_WRITE)
)
async def retire(template_id: Id, runtime: RuntimeDep, caller: CallerDep) -> TemplateOut:
    """Retire a template: nothing new is issued on it, mandates that exist stay valid."""
    version = await retire_template(runtime.database, runtime.keys, caller, template_id, now=runtime.now())
    return TemplateOut.of(version)


async def _created(
    runtime: Runtime, caller: Caller, template_id: UUID, number: int, response: Response
) -> TemplateOut:
    response.headers["Location"] = f"/v1/templates/{template_id}/versions/{number}"
    return TemplateOut.of(await _version(runtime, caller, template_id, number))


async def _version(runtime: Runtime, caller: Caller, template_id: UUID, number: int) -> TemplateVersion:
    async with runtime.database.reading() as session:
        version = await get_version(session, template_id, number)
    if version is None or not _is_visible(caller, version):
        raise NotFoundError
    return version


def _is_visible(caller: Caller, version: TemplateVersion) -> bool:
    return version.status is not TemplateStatus.DRAFT or is_own(caller, version)
