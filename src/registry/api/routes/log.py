"""The transparency log as static resources (c2sp.org/tlog-tiles): for anybody, with any verifier."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from registry.api.route import RegistryRoute, RuntimeDep, public
from registry.domain.errors import NotFoundError, UnavailableError
from registry.operations.look_up_log import get_checkpoint_note, get_tile
from registry.tlog.tiles import parse_tile_path

router = APIRouter(prefix="/log", tags=["Transparency log"], route_class=RegistryRoute)

_TEXT, _BYTES = "text/plain", "application/octet-stream"
_IMMUTABLE = {"Cache-Control": "public, max-age=31536000, immutable"}
_BINARY: dict[int | str, dict[str, Any]] = {
    200: {"content": {_BYTES: {"schema": {"type": "string", "format": "binary"}}}}
}

# Patterns of the contract alone: an address that is none is answered as a static file server would, with 404.
TileLevel = Annotated[
    str,
    Path(
        description="0 for hashes of leaves, above that for hashes of whole tiles",
        json_schema_extra={"pattern": "^([0-9]|[1-5][0-9]|6[0-3])$"},
    ),
]
TileIndex = Annotated[
    str,
    Path(
        description="Which of its level: groups of three digits joined by slashes, an `x` before all but the "
        "last (1234067 is `x001/x234/067`), and `.p/` with its width where it is partial",
        json_schema_extra={"pattern": "^(x[0-9]{3}/)*[0-9]{3}([.]p/[1-9][0-9]{0,2})?$"},
    ),
]


@router.get(
    "/checkpoint",
    summary="Newest checkpoint",
    response_class=Response,
    responses={200: {"content": {_TEXT: {"schema": {"type": "string"}}}}},
    openapi_extra=public(NotFoundError, UnavailableError),
)
async def checkpoint(runtime: RuntimeDep) -> Response:
    """Size and root of the log, signed (c2sp.org/tlog-checkpoint). Tiles prove that it only ever grew."""
    note = await get_checkpoint_note(runtime.database)
    return Response(note, media_type=_TEXT, headers={"Cache-Control": "public, max-age=1"})


@router.get(
    "/tile/entries/{tile:path}",
    summary="Entries of the log",
    response_class=Response,
    responses=_BINARY,
    openapi_extra=public(NotFoundError, UnavailableError),
)
async def entries(tile: TileIndex, runtime: RuntimeDep) -> Response:
    """Up to 256 entries, each after its length in two bytes: which record, and a salted commitment to it."""
    return await _tile(runtime, "entries", tile)


@router.get(
    "/tile/{level}/{tile:path}",
    summary="A tile of the log",
    response_class=Response,
    responses=_BINARY,
    openapi_extra=public(NotFoundError, UnavailableError),
)
async def hashes(level: TileLevel, tile: TileIndex, runtime: RuntimeDep) -> Response:
    """Up to 256 hashes of the log's Merkle tree (RFC 6962): from few of them any proof is computed."""
    return await _tile(runtime, level, tile)


async def _tile(runtime: RuntimeDep, level: str, rest: str) -> Response:
    try:
        address = parse_tile_path(level, rest)
    except ValueError as error:
        raise NotFoundError(f"There is no such tile: {error}.") from None
    return Response(await get_tile(runtime.database, address), media_type=_BYTES, headers=_IMMUTABLE)
