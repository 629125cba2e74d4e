"""Pages that Jira shows in a frame. Each is opened with an iframe token and with nothing else.

A page carries nobody's data: its script asks for that with a context token. Everything is served
from here, but for Atlassian's own script, the only source of context tokens. Source: facts.md 11.
"""

from importlib.resources import files

from fastapi import APIRouter, Request, Response

from kit.errors import NotFound
from services.tenancy.api.connect import PREFIX
from services.tenancy.api.persons import check_active, refused
from services.tenancy.api.signed import signed_request
from services.tenancy.domain.jwt import BadToken
from services.tenancy.usecases.credentials.iframe import Iframe

PAGES = f"{PREFIX}/pages"
API_TOKENS = f"{PAGES}/api-tokens"
"""Of a page module in the descriptor."""
ATLASSIAN_SCRIPT = "https://connect-cdn.atl-paas.net/all.js"
_STATIC = files("services.tenancy.api") / "static"
_FILES = {"api-tokens.js": "text/javascript", "api-tokens.css": "text/css"}
_NOBODY = "'none'"
_CACHED = {"cache-control": "public, max-age=3600"}


def policy(site_url: str | None) -> str:
    """Return the Content-Security-Policy of a page that only this Jira site may frame."""
    return (
        f"default-src 'none'; script-src 'self' {ATLASSIAN_SCRIPT}; style-src 'self';"
        " connect-src 'self'; base-uri 'none'; form-action 'none';"
        f" frame-ancestors {site_url or _NOBODY}"
    )


def router(iframe: Iframe, app_key: str) -> APIRouter:
    """Build the routes."""
    routes = APIRouter(prefix=PAGES, include_in_schema=False)
    page = (_STATIC / "api-tokens.html").read_text().replace("{atlassian}", ATLASSIAN_SCRIPT)

    @routes.get("/api-tokens")
    async def api_tokens(request: Request) -> Response:
        try:
            call = await iframe.verify(signed_request(request))
        except BadToken as error:
            raise refused(error, f'JWT realm="{app_key}"') from None
        check_active(call.status)
        return Response(
            page,
            media_type="text/html",
            headers={
                "content-security-policy": policy(call.site_url),
                # its URL holds a token
                "cache-control": "no-cache, no-store",
                "referrer-policy": "no-referrer",
            },
        )

    @routes.get("/{name}")
    def file(name: str) -> Response:  # not async: it reads from the disk
        if name not in _FILES:
            raise NotFound(f"There is no page {name!r}.")
        content = (_STATIC / name).read_bytes()
        return Response(content, media_type=_FILES[name], headers=_CACHED)

    return routes
