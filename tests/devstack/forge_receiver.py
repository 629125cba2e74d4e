"""The remote of a tiny Forge app, written from the rules alone."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import jwt
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

APP_ID = "ari:cloud:ecosystem::app/406d303d-0393-4ec4-ad7c-1435be94583a"
LABEL = re.compile(r"[a-z0-9_-]{1,50}")
JWKS = "/forge/.well-known/jwks.json"


@dataclass(frozen=True)
class ForgeCall:
    path: str
    claims: dict[str, Any]
    headers: dict[str, str]
    body: Any

    @property
    def system_token(self) -> str:
        return self.headers["x-forge-oauth-system"]


@dataclass
class ForgeReceiver:
    """`answers` are used up one by one, then it is 204; refusals are 401."""

    now: Callable[[], float]
    keys: httpx.AsyncClient | None = None
    answers: list[int] = field(default_factory=list)
    seen: list[ForgeCall] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)

    def route(self) -> Route:
        return Route("/ostro/forge/{path:path}", self.receive, methods=["POST", "GET"])

    async def receive(self, request: Request) -> Response:
        try:
            claims = await self._verified(request.headers.get("authorization", ""))
        except (jwt.PyJWTError, ValueError, TypeError, KeyError) as error:
            self.refusals.append(f"{type(error).__name__} {error}")
            return Response(status_code=401)
        raw = await request.body()
        body = json.loads(raw) if raw else None
        path = request.path_params["path"]
        self.seen.append(ForgeCall(path, claims, dict(request.headers), body))
        status = self.answers.pop(0) if self.answers else 204
        return JSONResponse({"heard": path}, 200) if status == 200 else Response(status_code=status)

    async def _verified(self, authorization: str) -> dict[str, Any]:
        scheme, _, token = authorization.partition(" ")
        if scheme != "Bearer":
            raise ValueError(f"scheme {scheme}")
        header = jwt.get_unverified_header(token)
        assert self.keys is not None
        answer = await self.keys.get(JWKS)
        keys = {key["kid"]: key for key in answer.json()["keys"]}
        if header.get("kid") not in keys:
            raise ValueError("kid is not in the set")
        claims: dict[str, Any] = jwt.decode(
            token,
            jwt.PyJWK(keys[header["kid"]], algorithm="RS256").key,
            algorithms=["RS256"],
            audience=APP_ID,
            issuer="forge/invocation-token",
            options={
                "require": ["iss", "aud", "iat", "exp", "nbf"],
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
        self._check(claims)
        return claims

    def _check(self, claims: dict[str, Any]) -> None:
        times = [claims["iat"], claims["nbf"], claims["exp"]]
        if not all(isinstance(at, int) for at in times):
            raise TypeError("times are no numbers")
        if not max(claims["iat"], claims["nbf"]) - 30 <= self.now() <= claims["exp"]:
            raise ValueError("expired or not yet issued")
        app = claims["app"]
        if app["id"] != APP_ID or app["installation"]["id"] != app["installationId"]:
            raise ValueError("another app or installation")
        if not LABEL.fullmatch(claims.get("icLabel", "none")):
            raise ValueError("icLabel")
        if app["environment"]["type"] != "PRODUCTION":
            raise ValueError("environment")
        if not app["apiBaseUrl"].startswith("http://jira.test/ex/jira/"):
            raise ValueError("apiBaseUrl")
        if claims.get("context", {}).get("cloudId", "") not in ("", app["apiBaseUrl"][-36:]):
            raise ValueError("cloudId")
