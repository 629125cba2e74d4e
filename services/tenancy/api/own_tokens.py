"""A person's own API tokens, for the pages inside Jira.

``/ostro/v1/tenancy/me/tokens`` with a context token of Connect, ``/forge/ui/me/tokens`` with a
Forge invocation token that names a person. Neither takes the other's credential.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from kit.http.body import JsonBody, documented
from kit.http.pages import Offset, json_response, offset_response
from services.tenancy.api.persons import by
from services.tenancy.api.tokens import MintedBean, NewToken, bean
from services.tenancy.usecases.own_tokens import OwnTokens, Person
from services.tenancy.usecases.projects import Projects

CONNECT_PATH = "/ostro/v1/tenancy/me/tokens"
FORGE_PATH = "/forge/ui/me/tokens"
_NOT_KEPT = {"Cache-Control": "no-store"}


def router(
    path: str,
    person_of: Callable[..., Awaitable[Person]],
    own: OwnTokens,
    projects: Projects,
    public_url: str,
) -> APIRouter:
    """Build the routes for one kind of credential."""
    routes = APIRouter(prefix=path, tags=["Own tokens"])

    async def keys_of(tenant: str) -> Mapping[int, str]:
        return {p.id: p.key for p in await projects.all(tenant)}

    @routes.post(
        "",
        summary="Mint a token of your own",
        status_code=201,
        responses={201: {"model": MintedBean}},
        openapi_extra=documented(NewToken),
    )
    async def mint(
        request: Request,
        person: Annotated[Person, Depends(person_of)],
        body: Annotated[NewToken, Depends(JsonBody(NewToken))],
    ) -> Response:
        """Make an API token for the person who asks; it is shown this once."""
        wanted = body.request(person.account_id)
        minted = await own.mint(person, wanted, by(request, person))
        shown = bean(minted.token, await keys_of(person.tenant))
        return json_response({**shown, "token": minted.text}, 201, _NOT_KEPT)

    @routes.get("", summary="List your tokens, revoked and expired ones too")
    async def list_tokens(
        request: Request, person: Annotated[Person, Depends(person_of)], page: Offset
    ) -> Response:
        """List what is known of the tokens of the person who asks, but no token."""
        known, keys = await own.all(person), await keys_of(person.tenant)
        shown = known[page.start_at : page.start_at + page.max_results]
        beans = [bean(token, keys) for token in shown]
        answer = offset_response(request, public_url.rstrip("/"), page, len(known), beans)
        answer.headers.update(_NOT_KEPT)
        return answer

    @routes.delete("/{tokenId}", summary="Revoke a token of your own", status_code=204)
    async def revoke(
        request: Request,
        person: Annotated[Person, Depends(person_of)],
        token_id: Annotated[str, Path(alias="tokenId", max_length=64)],
    ) -> Response:
        """Revoke a token of the person who asks; services heed it within seconds."""
        await own.revoke(person, token_id, by(request, person))
        return Response(status_code=204)

    return routes
