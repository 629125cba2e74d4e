"""A tiny Connect app, written from the rules alone: it shares nothing with stand-in or services."""

import hashlib
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import httpx
import jwt
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

BASE_URL = "http://app.test/ostro"
APP_KEY = "com.example.receiver"
KID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Bad(Exception):
    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True)
class Webhook:
    """One webhook as it came; `target` is path and query below the base URL."""

    target: str
    headers: dict[str, str]
    claims: dict[str, Any]
    body: dict[str, Any]
    raw: bytes


def canonical_query(query: str) -> str:
    """Enough for what these tests send: no name comes twice."""
    pairs = [(quote(name, safe="~"), quote(value, safe="~")) for name, value in parse_qsl(query)]
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


@dataclass
class Receiver:
    """`strict` False accepts everything; `answer` replaces the answer to `installed`."""

    keys_url: str = "http://jira.test/install-keys"
    keys: httpx.AsyncClient | None = None
    now: Callable[[], float] = time.time
    hosts: tuple[str, ...] = ("jira.test", "site-b.test", "renamed.test")
    strict: bool = True
    answer: int | None = None
    secrets: dict[str, str] = field(default_factory=dict)
    seen: list[tuple[str, dict[str, Any], dict[str, Any]]] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    webhooks: list[Webhook] = field(default_factory=list)
    webhook_answers: list[int] = field(default_factory=list)
    more_routes: list[Route] = field(default_factory=list)
    descriptor: dict[str, Any] = field(
        default_factory=lambda: {
            "key": APP_KEY,
            "name": "Receiver",
            "baseUrl": BASE_URL,
            "authentication": {"type": "jwt"},
            "lifecycle": {
                hook: f"/connect/{hook}"
                for hook in ("installed", "uninstalled", "enabled", "disabled")
            },
            "scopes": ["READ", "ACT_AS_USER"],
        }
    )

    @property
    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/ostro/connect/atlassian-connect.json", self.describe),
                Route("/ostro/connect/{hook}", self.receive, methods=["POST"]),
                Route("/ostro/hooks/{path:path}", self.hear, methods=["POST"]),
                Route("/ostro/page", self.page),
                Route("/ostro/api/me", self.own_api),
                *self.more_routes,
            ]
        )

    def hooks(self) -> list[str]:
        return [hook for hook, _claims, _body in self.seen]

    async def describe(self, _request: Request) -> Response:
        return JSONResponse(self.descriptor)

    async def receive(self, request: Request) -> Response:
        hook = request.path_params["hook"]
        if hook == "installed" and self.answer is not None:
            return Response(status_code=self.answer)
        try:
            claims, body = await self._verified(request, hook)
        except Bad as bad:
            if self.strict:
                self.refusals.append(str(bad))
                return Response(str(bad), bad.status)
            claims, body = {}, {}
        self.seen.append((hook, claims, body))
        if hook == "installed" and body:
            self.secrets[body["clientKey"]] = body["sharedSecret"]
        return Response(status_code=204)

    async def hear(self, request: Request) -> Response:
        """A webhook; `webhook_answers` are used up one by one, then it is 204."""
        raw, query = await request.body(), request.scope["query_string"].decode()
        path = request.scope["raw_path"].decode().removeprefix("/ostro")
        try:
            token = self._token(request)
            claims = self._symmetric(token, f"POST&{path}&{canonical_query(query)}")
        except (jwt.PyJWTError, Bad) as error:
            self.refusals.append(str(error))
            return Response(status_code=401)
        target = f"{path}?{query}" if query else path
        body = json.loads(raw) if raw else {}
        self.webhooks.append(Webhook(target, dict(request.headers), claims, body, raw))
        return Response(status_code=self.webhook_answers.pop(0) if self.webhook_answers else 204)

    async def page(self, request: Request) -> Response:
        """An iframe's page: the token is ?jwt= and nowhere else."""
        pairs = parse_qsl(request.scope["query_string"].decode())
        rest = "&".join(f"{name}={value}" for name, value in pairs if name != "jwt")
        return self._answered(dict(pairs).get("jwt", ""), f"GET&/page&{canonical_query(rest)}")

    async def own_api(self, request: Request) -> Response:
        """The app's own API, for its pages' context tokens."""
        try:
            return self._answered(self._token(request), None)
        except Bad as bad:
            return Response(status_code=bad.status)

    def _answered(self, token: str, canonical: str | None) -> Response:
        try:
            self._symmetric(token, canonical)
        except (jwt.PyJWTError, Bad) as error:
            self.refusals.append(str(error))
            return Response(status_code=401)
        return Response(status_code=204)

    @staticmethod
    def _token(request: Request) -> str:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "JWT":
            raise Bad(401, f"scheme {scheme!r}")
        return token

    def _symmetric(self, token: str, canonical: str | None) -> dict[str, Any]:
        """Claims of a good token; without `canonical` a context token is due."""
        issuer = str(jwt.decode(token, options={"verify_signature": False}).get("iss"))
        secret = self.secrets.get(issuer, "x" * 32)
        options = self._options("iss", "exp", "iat", "qsh")
        claims = jwt.decode(token, secret, algorithms=["HS256"], options=options)
        self._check_times(claims)
        due = "context-qsh" if canonical is None else hashlib.sha256(canonical.encode()).hexdigest()
        if claims["qsh"] != due:
            raise Bad(401, "qsh")
        return claims

    async def _verified(self, request: Request, hook: str) -> tuple[dict[str, Any], dict[str, Any]]:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "JWT":
            raise Bad(401, "no JWT")
        try:
            body = json.loads(await request.body())
        except ValueError as error:
            raise Bad(400, "not JSON") from error
        try:
            if hook in ("installed", "uninstalled"):
                claims = await self._asymmetric(token)
            else:
                claims = jwt.decode(
                    token,
                    self.secrets.get(str(body.get("clientKey")), "x" * 32),
                    algorithms=["HS256"],
                    options=self._options("iss", "exp", "iat"),
                )
        except (jwt.PyJWTError, httpx.HTTPError) as error:
            raise Bad(401, f"{type(error).__name__} {error}") from error
        self._check_times(claims)
        canonical = f"POST&/connect/{hook}&"
        if claims.get("qsh") != hashlib.sha256(canonical.encode()).hexdigest():
            raise Bad(401, "qsh")
        self._check_body(hook, claims, body)
        return claims, body

    async def _asymmetric(self, token: str) -> dict[str, Any]:
        kid = jwt.get_unverified_header(token).get("kid", "")
        if not KID.fullmatch(kid):
            raise Bad(401, f"kid {kid!r}")
        assert self.keys is not None
        answer = await self.keys.get(f"{self.keys_url}/{kid}")
        if answer.status_code != 200:
            raise Bad(401, f"key server says {answer.status_code}")
        return jwt.decode(
            token,
            answer.text,
            algorithms=["RS256"],
            audience=self.descriptor["baseUrl"],
            options=self._options("iss", "exp", "iat", "aud"),
        )

    @staticmethod
    def _options(*required: str) -> jwt.types.Options:
        return {"require": list(required), "verify_exp": False, "verify_iat": False}

    def _check_times(self, claims: dict[str, Any]) -> None:
        times = claims["iat"], claims["exp"]
        if not all(isinstance(value, int) for value in times):
            raise Bad(401, "times are no numbers")
        if claims["exp"] < self.now() or claims["iat"] > self.now() + 30:
            raise Bad(401, "expired or not yet issued")

    def _check_body(self, hook: str, claims: dict[str, Any], body: dict[str, Any]) -> None:
        if body.get("clientKey") != claims["iss"]:
            raise Bad(403, "clientKey is not iss")
        if body.get("key") != APP_KEY or body.get("eventType") != hook:
            raise Bad(403, "another app or event")
        if hook != "installed":
            return
        if not body.get("sharedSecret") or body.get("productType") != "jira":
            raise Bad(400, "no secret, or not Jira")
        parts = urlsplit(body["baseUrl"])
        if parts.netloc not in self.hosts or parts.path:
            raise Bad(403, "baseUrl")
        if parts.scheme not in ("http", "https"):
            raise Bad(403, "baseUrl scheme")
