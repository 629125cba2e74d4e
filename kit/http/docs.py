"""The API documents of a service: the OpenAPI document, and a page that shows it.

The page is Swagger UI. All of it is served from here, and its policy forbids the browser to load
or send anything elsewhere: people paste tokens into it.
"""

from copy import deepcopy
from html import escape
from importlib.resources import files
from typing import Any

from fastapi import APIRouter, FastAPI, Response
from fastapi.openapi.utils import get_openapi

from kit.errors import NotFound

_ASSETS = files("fastapi_offline") / "static"
"""The package carries Swagger UI's own release files, byte for byte; its code is not used."""
_FILES = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.png": "image/png",
}

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" type="image/png" href="{docs}/favicon.png">
<link rel="stylesheet" href="{docs}/swagger-ui.css">
</head>
<body>
<div id="page" data-document="{document}"></div>
<script src="{docs}/swagger-ui-bundle.js"></script>
<script src="{docs}/start.js"></script>
</body>
</html>
"""

_START = """"use strict";
const page = document.getElementById("page");
SwaggerUIBundle({
  url: page.dataset.document,
  domNode: page,
  deepLinking: true,
  filter: true,
  persistAuthorization: false,
  validatorUrl: null,
});
"""

_ERROR = {
    "type": "object",
    "required": ["errorCode", "message"],
    "properties": {"errorCode": {"type": "integer"}, "message": {"type": "string"}},
}
_NOT_AUTHENTICATED = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string"}},
}


def docs_router(service: str) -> APIRouter:
    """Build ``GET /ostro/v1/{service}/docs`` and the files that it needs."""
    path = f"/ostro/v1/{service}/docs"
    routes = APIRouter(prefix=path, include_in_schema=False)
    page = _PAGE.format(
        title=escape(f"Ostro {service}"), docs=path, document=f"/ostro/v1/{service}/openapi.json"
    )

    @routes.get("")
    async def show() -> Response:
        return Response(page, media_type="text/html", headers={"content-security-policy": _POLICY})

    @routes.get("/{name}")
    def file(name: str) -> Response:  # not async: it reads from the disk
        if name == "start.js":
            return Response(_START, media_type="text/javascript")
        if name not in _FILES:
            raise NotFound(f"There is no file {name!r} here.")
        content = (_ASSETS / name).read_bytes()
        headers = {"cache-control": "public, max-age=3600"}
        return Response(content, media_type=_FILES[name], headers=headers)

    return routes


def openapi_of(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document: FastAPI's, with the errors that we really answer."""
    document = deepcopy(
        get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
    )
    components = document.setdefault("components", {})
    schemas: dict[str, Any] = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas |= {"Error": _ERROR, "NotAuthenticated": _NOT_AUTHENTICATED}
    for methods in document["paths"].values():
        for operation in methods.values():
            _describe_errors(operation["responses"], with_token="security" in operation)
            for content in operation.get("requestBody", {}).get("content", {}).values():
                schemas |= content["schema"].pop("$defs", {})
    return document


def _describe_errors(responses: dict[str, Any], *, with_token: bool) -> None:
    # FastAPI's own answer to invalid input, which kit.http.errors replaces
    responses.pop("422", None)
    if with_token:
        responses.setdefault("401", _answer("No valid token.", "NotAuthenticated"))
    responses.setdefault("default", _answer("Any other fault.", "Error"))


def _answer(description: str, schema: str) -> dict[str, Any]:
    reference = {"$ref": f"#/components/schemas/{schema}"}
    return {"description": description, "content": {"application/json": {"schema": reference}}}
