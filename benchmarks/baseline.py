"""The baseline: a bare Starlette endpoint that does one prepared asyncpg look-up, and nothing else.

No token, no validation, no decision, no audit row, no signature. Run by uvicorn as the registry is.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

LOOK_UP = """
SELECT mandate_id, permissions, valid_from, valid_until FROM representations
WHERE representative_index = $1 AND third_party = $2 AND principal_index = $3
"""


async def _keep(_connection: object) -> None:
    """No reset query on release."""


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Open the pool."""
    size = int(os.environ["POOL"])
    app.state.pool = await asyncpg.create_pool(
        os.environ["DATABASE"], min_size=size, max_size=size, reset=_keep
    )
    yield
    await app.state.pool.close()


async def look_up(request: Request) -> Response:
    """Answer with the mandate between the two indexes in the path."""
    found = await request.app.state.pool.fetchrow(
        LOOK_UP,
        bytes.fromhex(request.path_params["representative"]),
        os.environ["THIRD_PARTY"],
        bytes.fromhex(request.path_params["principal"]),
    )
    body = {
        "mandate_id": str(found["mandate_id"]),
        "permissions": found["permissions"],
        "valid_from": found["valid_from"],
        "valid_until": found["valid_until"],
    }
    return Response(orjson.dumps(body), media_type="application/json")


app = Starlette(routes=[Route("/{representative}/{principal}", look_up)], lifespan=lifespan)
