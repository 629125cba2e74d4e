"""The API documents: the OpenAPI document of a service, a page that shows it, and one for all.

The page is Swagger UI. All of it is served from here, and its policy forbids the browser to load
or send anything elsewhere: people paste tokens into it.
"""

import re
from collections.abc import Sequence
from copy import deepcopy
from html import escape
from importlib.resources import files
from typing import Any

from fastapi import APIRouter, FastAPI, Response
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts

from kit.errors import NotFound
from kit.http.body import answer_of

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
<div id="page" data-documents="{documents}"></div>
<script src="{docs}/swagger-ui-bundle.js"></script>
<script src="{docs}/start.js"></script>
</body>
</html>
"""

_START = """"use strict";
const page = document.getElementById("page");
const places = page.dataset.documents.split(" ");
const schemas = "#/components/schemas/";

async function read(place) {
  const answer = await fetch(place);
  if (!answer.ok) throw new Error(`${place} answers ${answer.status}`);
  // services name their schemas without asking each other
  const prefix = place.split("/").at(-2);
  return [prefix, JSON.parse((await answer.text()).replaceAll(schemas, `${schemas}${prefix}.`))];
}

async function joined() {
  const whole = {
    openapi: "3.1.0",
    info: { title: "Ostro", version: "", description: "" },
    paths: {},
    components: { schemas: {}, securitySchemes: {} },
  };
  for (const found of await Promise.allSettled(places.map(read))) {
    if (found.status === "rejected") {
      whole.info.description += `Missing at present: ${found.reason.message}. `;
      continue;
    }
    const [prefix, part] = found.value;
    whole.info.version = part.info.version;
    Object.assign(whole.paths, part.paths);
    for (const [name, schema] of Object.entries(part.components.schemas)) {
      whole.components.schemas[`${prefix}.${name}`] = schema;
    }
    Object.assign(whole.components.securitySchemes, part.components.securitySchemes);
  }
  return { spec: whole };
}

(async () => {
  SwaggerUIBundle({
    ...(places.length > 1 ? await joined() : { url: places[0] }),
    domNode: page,
    deepLinking: true,
    filter: true,
    persistAuthorization: false,
    validatorUrl: null,
  });
})();
"""

_READS = ["GET", "HEAD"]
_ERROR = {
    "type": "object",
    "required": ["errorCode", "message"],
    "properties": {"errorCode": {"type": "integer"}, "message": {"type": "string"}},
}
_CLAUSE = re.compile(r"[.;:,](?=\s|$)")
"""Ends the part of a description that is the summary."""
_NOT_AUTHENTICATED = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string"}},
}


def docs_router(service: str) -> APIRouter:
    """Build ``GET /ostro/v1/{service}/docs`` and the files that it needs."""
    return _router(f"/ostro/v1/{service}/docs", f"Ostro {service}", [service])


def all_docs_router(services: Sequence[str]) -> APIRouter:
    """Build ``GET /docs``: one page of what all services answer, behind the edge."""
    return _router("/docs", "Ostro", services)


def _router(path: str, title: str, services: Sequence[str]) -> APIRouter:
    routes = APIRouter(prefix=path, include_in_schema=False)
    documents = " ".join(f"/ostro/v1/{name}/openapi.json" for name in services)
    page = _PAGE.format(title=escape(title), docs=path, documents=documents)

    @routes.api_route("", methods=_READS)
    async def show() -> Response:
        return Response(page, media_type="text/html", headers={"content-security-policy": _POLICY})

    @routes.api_route("/{name}", methods=_READS)
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
    unnamed = _without_summary(app)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if (method.upper(), path) in unnamed:
                operation["summary"] = _CLAUSE.split(operation["description"], maxsplit=1)[0]
            _describe_errors(operation["responses"], with_token="security" in operation)
            for content in operation.get("requestBody", {}).get("content", {}).values():
                schemas |= content["schema"].pop("$defs", {})
    return document


def _without_summary(app: FastAPI) -> set[tuple[str, str]]:
    """Return the operations whose summary FastAPI would make of the name of a function."""
    routes = (context.route for context in iter_route_contexts(app.routes))
    return {
        (method, route.path_format)
        for route in routes
        if isinstance(route, APIRoute) and route.include_in_schema and route.summary is None
        for method in route.methods or ()
    }


def _describe_errors(responses: dict[str, Any], *, with_token: bool) -> None:
    # FastAPI's own answer to invalid input, which kit.http.errors replaces
    responses.pop("422", None)
    if with_token:
        responses.setdefault("401", answer_of("No valid token.", "NotAuthenticated"))
    responses.setdefault("default", answer_of("Any other fault.", "Error"))
