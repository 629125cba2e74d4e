"""``/ostro/v1/tenancy/tokens``: mint, list and revoke API tokens. Needs the scope admin."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from kit.auth.principal import Scope
from kit.clock import vendor_time
from kit.http.body import JsonBody, documented
from kit.http.pages import Offset, json_response, offset_response
from services.tenancy.api.caller import Administrator, by
from services.tenancy.domain.tokens import MAX_LIFE, MAX_NAME, MAX_REQUESTS_PER_MINUTE, ApiToken
from services.tenancy.usecases.projects import Projects
from services.tenancy.usecases.tokens import TokenRequest, Tokens


class NewToken(BaseModel):
    """What is asked for. The token belongs to the account of the caller."""

    # a misspelt limit would be none at all
    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=MAX_NAME)
    scopes: list[Scope] = Field(min_length=1)
    projects: list[str] | None = Field(
        None, min_length=1, max_length=1000, description="project keys; left out: all projects"
    )
    expires_in_days: int = Field(MAX_LIFE.days, alias="expiresInDays", ge=1, le=MAX_LIFE.days)
    requests_per_minute: int | None = Field(
        None,
        alias="requestsPerMinute",
        ge=1,
        le=MAX_REQUESTS_PER_MINUTE,
        description="most requests to each service; left out, or above it: the service's own limit",
    )

    def request(self, account_id: str | None) -> TokenRequest:
        """Return what is asked for, for an account."""
        return TokenRequest(
            name=self.name,
            scopes=self.scopes,
            life=timedelta(days=self.expires_in_days),
            projects=self.projects,
            account_id=account_id,
            requests_per_minute=self.requests_per_minute,
        )


class TokenBean(BaseModel):
    """The record of a token."""

    id: str
    name: str
    accountId: str | None  # noqa: N815  the API's name
    scopes: list[Scope]
    projects: list[str] | None
    createdAt: str  # noqa: N815  the API's name
    expiresAt: str  # noqa: N815  the API's name
    revokedAt: str | None  # noqa: N815  the API's name
    lastUsedAt: str | None  # noqa: N815  the API's name
    requestsPerMinute: int | None  # noqa: N815  the API's name


class MintedBean(TokenBean):
    """A new token; ``token`` is shown this once."""

    token: str


def router(tokens: Tokens, projects: Projects, public_url: str) -> APIRouter:
    """Build the routes."""
    routes = APIRouter(prefix="/ostro/v1/tenancy/tokens", tags=["Administration"])

    async def keys_of(tenant: str) -> dict[int, str]:
        return {p.id: p.key for p in await projects.all(tenant)}

    @routes.post(
        "",
        summary="Mint a token",
        status_code=201,
        responses={201: {"model": MintedBean}},
        openapi_extra=documented(NewToken),
    )
    async def mint(
        request: Request,
        principal: Administrator,
        body: Annotated[NewToken, Depends(JsonBody(NewToken))],
    ) -> Response:
        """Make an API token for a user; it is shown this once. Needs the scope admin."""
        wanted = body.request(principal.account_id)
        minted = await tokens.mint(principal.tenant, wanted, by(request, principal))
        shown = bean(minted.token, await keys_of(principal.tenant))
        headers = {"Cache-Control": "no-store"}
        return json_response({**shown, "token": minted.text}, 201, headers)

    @routes.get("", summary="List tokens, revoked and expired ones too")
    async def list_tokens(request: Request, principal: Administrator, page: Offset) -> Response:
        """List what is known of all tokens of the tenant, but no token. Needs the scope admin."""
        tenant = principal.tenant
        known, keys = await tokens.all(tenant), await keys_of(tenant)
        shown = known[page.start_at : page.start_at + page.max_results]
        base = public_url.rstrip("/")
        return offset_response(request, base, page, len(known), [bean(t, keys) for t in shown])

    @routes.delete("/{tokenId}", summary="Revoke a token", status_code=204)
    async def revoke(
        request: Request,
        principal: Administrator,
        token_id: Annotated[str, Path(alias="tokenId", max_length=64)],
    ) -> Response:
        """Revoke a token; services heed it within seconds. Needs the scope admin."""
        await tokens.revoke(principal.tenant, token_id, by(request, principal))
        return Response(status_code=204)

    return routes


def bean(token: ApiToken, keys: Mapping[int, str]) -> dict[str, Any]:
    """Return the record as it is shown; projects by key."""
    limited = token.projects
    return {
        "id": token.id,
        "name": token.name,
        "accountId": token.account_id,
        "scopes": sorted(token.scopes),
        "projects": None if limited is None else [keys.get(p, str(p)) for p in limited],
        "createdAt": vendor_time(token.created_at),
        "expiresAt": vendor_time(token.expires_at),
        "revokedAt": _time(token.revoked_at),
        "lastUsedAt": _time(token.last_used_at),
        "requestsPerMinute": token.requests_per_minute,
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else vendor_time(moment)
