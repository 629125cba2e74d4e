"""``/v2/healthcheck``: clients test their token with it."""

from fastapi import APIRouter, Response

from kit.http.security import Caller


def router() -> APIRouter:
    """Build the route."""
    routes = APIRouter(tags=["Healthcheck"])

    @routes.get(
        "/v2/healthcheck", summary="Say whether the token is good", operation_id="healthcheck"
    )
    async def healthcheck(_: Caller) -> Response:
        """Answer 200 without a body where the token is good, 401 where it is not."""
        return Response(status_code=200)

    return routes
