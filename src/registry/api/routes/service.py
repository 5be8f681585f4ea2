"""About the service itself: what it is, whether it works, its public keys."""

from typing import Annotated, Any

from fastapi import APIRouter, Response, status
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import Field

from registry.api.models.fields import WireOut
from registry.api.route import RegistryRoute, RuntimeDep, public
from registry.domain.errors import UnavailableError
from registry.storage.revision import NEWEST_REVISION, get_revision

router = APIRouter(tags=["Service"], route_class=RegistryRoute)

API_VERSION = "1.0.0"
RELEASED = "2026-11-21"


class ApiInfo(WireOut):
    """What this API is, after the Swedish public sector's REST API profile (VER.06)."""

    api_name: str
    api_version: str
    api_released: str
    api_documentation: str
    api_status: str


class Health(WireOut):
    """Whether the process lives, or can serve."""

    status: Annotated[str, Field(examples=["ok"])]


class KeySet(WireOut):
    """A JWK set (RFC 7517): every key that the registry signs, signed or will sign with."""

    keys: list[dict[str, Any]]


@router.get("/api-info", summary="About this API", openapi_extra=public())
async def api_info(runtime: RuntimeDep) -> ApiInfo:
    """Name, version and status of this API."""
    return ApiInfo(
        api_name="mandate-registry",
        api_version=API_VERSION,
        api_released=RELEASED,
        api_documentation=f"{runtime.settings.public_url}/docs",
        api_status="beta",
    )


@router.get("/live", summary="Is the process alive?", openapi_extra=public())
async def live() -> Health:
    """Answer without looking at anything else: a process that does not is to be restarted."""
    return Health(status="ok")


@router.get("/ready", summary="Can the process serve?", openapi_extra=public(UnavailableError))
async def ready(runtime: RuntimeDep) -> Health:
    """Look at the database: it must answer, and be migrated as far as this code needs."""
    async with runtime.database.reading() as session:
        revision = await get_revision(session)
    if revision != NEWEST_REVISION:
        raise UnavailableError("The database is at another revision than this code: migrate first.")
    return Health(status="ok")


@router.get(
    "/metrics",
    summary="Metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    openapi_extra=public(),
)
async def metrics() -> Response:
    """Prometheus metrics of this process. Keep this address from the public at the proxy."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


@router.get(
    "/.well-known/jwks.json", summary="Public keys", openapi_extra=public(), status_code=status.HTTP_200_OK
)
async def jwks(runtime: RuntimeDep, response: Response) -> KeySet:
    """The keys that records and receipts verify against. `nbf` and `exp` bound when a key signs."""
    response.headers["Cache-Control"] = "public, max-age=300"
    return KeySet(keys=runtime.keys.jwks()["keys"])
