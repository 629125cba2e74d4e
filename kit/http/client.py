"""Calls to another service's ``/internal``: signed, traced, with a deadline."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, TypeVar

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kit.auth.principal import ACTING, Principal
from kit.auth.service_tokens import ServiceTokens
from kit.errors import InvalidInput, NotFound, Unavailable
from kit.observability.tracing import client_span, traceparent

M = TypeVar("M", bound=BaseModel)

_RETRY_AFTER = 5
_LONGEST_RETRY_AFTER = 3_600
_LONGEST_REFUSAL = 2_048
_WAITING = (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE)


class _Refusal(BaseModel):
    """Our own error body (``kit.http.errors``), fit to be shown to whoever asked us."""

    model_config = ConfigDict(extra="forbid", strict=True)

    code: Annotated[int, Field(alias="errorCode")]
    message: Annotated[str, Field(pattern=r"^[\x20-\x7e]{1,300}$")]


class InternalClient:
    """Asks one owner. Down, slow or broken is ``Unavailable``, never a wrong ``NotFound``.

    An owner that cannot answer now is ``Unavailable`` with its own message and Retry-After.

    A call names the principal it is made for: the caller of the public request, if there is one.
    """

    def __init__(
        self, base_url: str, audience: str, tokens: ServiceTokens, *, timeout: float = 10.0
    ) -> None:
        self._audience = audience
        self._tokens = tokens
        self._timeout = timeout
        self._http = httpx.AsyncClient(
            base_url=base_url.rstrip("/"),
            timeout=httpx.Timeout(timeout, connect=2.0),
            limits=httpx.Limits(max_connections=32),
            trust_env=False,  # services talk directly, whatever proxy the machine has
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def get(
        self,
        path: str,
        answer: type[M],
        *,
        tenant: str | None = None,
        principal: Principal | None = None,
        params: dict[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> M:
        """GET and validate; raise ``NotFound`` when the owner does not know it."""
        response = await self._send("GET", path, tenant, principal, params=params, headers=headers)
        return self._parse(response, answer)

    async def post(
        self,
        path: str,
        body: BaseModel,
        answer: type[M],
        *,
        tenant: str,
        principal: Principal | None = None,
    ) -> M:
        """POST a contract and validate the answer."""
        response = await self._send("POST", path, tenant, principal, body=body)
        return self._parse(response, answer)

    async def tell(
        self, path: str, body: BaseModel, *, tenant: str, principal: Principal | None = None
    ) -> None:
        """POST a contract that needs no answer."""
        await self._send("POST", path, tenant, principal, body=body)

    async def _send(
        self,
        method: str,
        path: str,
        tenant: str | None,
        principal: Principal | None,
        *,
        body: BaseModel | None = None,
        params: dict[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        acting = principal or ACTING.get()
        if acting is not None and acting.tenant != tenant:
            acting = None
        with client_span(f"{method} {self._audience}"):
            sent = {
                **(headers or {}),
                "authorization": f"Bearer {self._tokens.sign(self._audience, tenant, acting)}",
                "content-type": "application/json",
            }
            if (parent := traceparent()) is not None:
                sent["traceparent"] = parent
            content = body.model_dump_json() if body is not None else None
            try:
                # httpx times each read alone: a slow trickle would never end
                async with asyncio.timeout(self._timeout):
                    response = await self._http.request(
                        method, path, headers=sent, content=content, params=params
                    )
            except (httpx.HTTPError, TimeoutError) as error:
                raise self._down() from error
        if response.status_code == httpx.codes.NOT_FOUND:
            raise NotFound(_message(response))
        if response.status_code == httpx.codes.BAD_REQUEST:
            raise InvalidInput(_message(response))
        if response.status_code in _WAITING:
            raise self._waiting(response)
        if not response.is_success:
            raise self._down()
        return response

    def _waiting(self, response: httpx.Response) -> Unavailable:
        """Say what the owner said, when it is the owner who speaks and not what stands before it.

        503 for its 429, too: it is not our caller that asks too much.
        """
        try:
            if len(response.content) > _LONGEST_REFUSAL:
                return self._down()
            refusal = _Refusal.model_validate_json(response.content)
        except ValidationError:
            return self._down()
        if refusal.code != response.status_code:
            return self._down()
        return Unavailable(refusal.message, retry_after=_retry_after(response))

    def _parse(self, response: httpx.Response, answer: type[M]) -> M:
        try:
            return answer.model_validate_json(response.content)
        except ValidationError:
            # its text would hold the values
            raise self._down() from None

    def _down(self) -> Unavailable:
        return Unavailable(
            f"The {self._audience} service is not available; try again.", retry_after=_RETRY_AFTER
        )


def _retry_after(response: httpx.Response) -> int:
    told = response.headers.get("retry-after", "")
    if not (told.isascii() and told.isdigit() and len(told) < 10):
        return _RETRY_AFTER
    return min(max(int(told), 1), _LONGEST_RETRY_AFTER)


def _message(response: httpx.Response) -> str:
    try:
        return str(response.json()["message"])
    except (ValueError, KeyError, TypeError):
        return "not found"
