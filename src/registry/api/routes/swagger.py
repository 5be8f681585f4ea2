"""Swagger UI from vendored files: integration testers sit behind closed networks."""

from functools import cache
from pathlib import Path

import orjson
from fastapi import APIRouter, Response

from registry.api.problems import UnknownPathError
from registry.api.route import RegistryRoute, RuntimeDep, public

router = APIRouter(route_class=RegistryRoute, include_in_schema=False)

_FILES = Path(__file__).parents[1] / "swagger_ui"
_TYPES = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css"}
_POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Mandate registry: try it</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""


@router.get("/docs", openapi_extra=public())
async def page() -> Response:
    """The page; it loads nothing from elsewhere."""
    return Response(_PAGE, media_type="text/html", headers={"Content-Security-Policy": _POLICY})


@router.get("/docs/start.js", openapi_extra=public())
async def start(runtime: RuntimeDep) -> Response:
    """Starts Swagger UI; in the demo, with a client filled in so that Authorize takes one click."""
    settings = runtime.settings
    secret = settings.docs_client_secret
    login = {
        "clientId": settings.docs_client_id or "",
        "clientSecret": "" if secret is None else secret.get_secret_value(),
        "scopes": settings.docs_scopes,
    }
    script = _read("start.js") + b"\nui.initOAuth(" + orjson.dumps(login) + b");\n"
    return Response(script, media_type="text/javascript", headers={"Cache-Control": "no-store"})


@router.get("/docs/{name}", openapi_extra=public())
async def file(name: str) -> Response:
    """One of the vendored files."""
    if name not in _TYPES:
        raise UnknownPathError
    return Response(_read(name), media_type=_TYPES[name], headers={"Cache-Control": "public, max-age=86400"})


@cache
def _read(name: str) -> bytes:
    return (_FILES / name).read_bytes()
