"""An independent Jira: own keys, own token maker, own key servers and one REST route.

Shares no code with the service or the stand-in, so that a mistake in them cannot hide itself.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from kit.clock import Clock

APP_KEY = "io.ostro.test-management"
GOOD_KID = "11111111-2222-4333-8444-555555555555"
_EXOTIC = "-----BEGIN PUBLIC KEY-----\nMA0wBgYEKgMEBQMDAAEC\n-----END PUBLIC KEY-----"
"""A well-formed key of an algorithm that nobody knows."""
SMALL_KID = "small"
FORGE_KID = "forge/invocation-token/test-key-1"


def b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def pem(key: RSAPrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def qsh(method: str, path: str) -> str:
    """Hash of a request without a query."""
    return hashlib.sha256(f"{method}&{path}&".encode()).hexdigest()


def jwk(kid: str, key: RSAPrivateKey, **changes: Any) -> dict[str, Any]:
    """Write the public half as a JSON Web Key."""
    public = key.public_key().public_numbers()
    numbers = {
        name: b64(number.to_bytes((number.bit_length() + 7) // 8, "big"))
        for name, number in (("n", public.n), ("e", public.e))
    }
    return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, **numbers, **changes}


@dataclass
class Keys:
    """Install keys and Forge's; made once per run, 2,048 bits take a while."""

    good: RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    forge: RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    stranger: RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    small: RSAPrivateKey = field(
        default_factory=lambda: rsa.generate_private_key(65537, 1024)  # noqa: S505  the attack
    )

    def rs256(self, header: Mapping[str, Any], claims: Mapping[str, Any], key: str) -> str:
        """Sign by hand, whatever the header says."""
        signing = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"
        private: RSAPrivateKey = getattr(self, key)
        signature = private.sign(signing.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signing}.{b64(signature)}"


def hs256(header: Mapping[str, Any], claims: Mapping[str, Any], secret: str) -> str:
    signing = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"
    return f"{signing}.{b64(hmac.digest(secret.encode(), signing.encode(), 'sha256'))}"


class FakeServers:
    """Key servers at ``/keys`` and ``/backup``, a site with project DEMO; modes by name.

    Everybody is there and browses DEMO, but those in ``closed``, ``unknown`` and ``customers``.
    """

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self.modes = {
            "keys": "good",
            "backup": "good",
            "rest": "good",
            "jwks": "good",
            "gateway": "good",
        }
        self.jwks = [jwk(FORGE_KID, keys.forge), jwk("forge/small", keys.small)]
        self.jwks_asked = 0
        self.published = {GOOD_KID: pem(keys.good), SMALL_KID: pem(keys.small)}
        self.asked: list[str] = []
        self.calls: list[tuple[str, str | None]] = []
        self.closed: set[str] = set()
        self.unknown: set[str] = set()
        self.customers: set[str] = set()
        self.app = Starlette(
            routes=[
                Route("/keys/{kid:path}", self._key_server),
                Route("/backup/{kid:path}", self._key_server),
                Route("/forge/jwks.json", self._key_set),
                Route("/rest/api/3/project/{project:path}", self._project),
                Route("/rest/api/3/user/bulk", self._users),
                Route("/rest/api/3/permissions/check", self._permissions, methods=["POST"]),
                Route("/ex/jira/{cloud}/rest/api/3/serverInfo", self._server_info),
            ]
        )

    def reset(self) -> None:
        self.modes = dict.fromkeys(self.modes, "good")
        self.asked.clear()
        self.calls.clear()
        for people in (self.closed, self.unknown, self.customers):
            people.clear()

    async def _key_server(self, request: Request) -> Response:
        server = request.url.path.split("/")[1]
        query = f"?{request.url.query}" if request.url.query else ""
        self.asked.append(request.url.path + query)
        found = self.published.get(request.path_params["kid"])
        if self.modes[server] == "slow":
            await asyncio.sleep(10)
        if self.modes[server] != "good":
            return self._broken_key_server(self.modes[server], found, request)
        return PlainTextResponse(found) if found else PlainTextResponse("not found", 404)

    def _broken_key_server(self, mode: str, found: str | None, request: Request) -> Response:
        kid = request.path_params["kid"]
        unreadable = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"
        return {
            "down": PlainTextResponse("upstream connect error", 503),
            "slow": PlainTextResponse(found or ""),
            "empty": PlainTextResponse("not found", 404),
            "html": PlainTextResponse("<html>moment</html>"),
            "redirect": RedirectResponse(f"/backup/{kid}?redirected", 302),
            "huge": PlainTextResponse((found or "") + "\n" * 100_000),
            "stranger": PlainTextResponse(pem(self._keys.stranger)),
            "unreadable": PlainTextResponse(unreadable),
            "exotic": PlainTextResponse(_EXOTIC),
        }[mode]

    async def _key_set(self, _: Request) -> Response:
        self.jwks_asked += 1
        if self.modes["jwks"] == "slow":
            await asyncio.sleep(10)
        good = JSONResponse({"keys": self.jwks})
        return {
            "down": PlainTextResponse("upstream connect error", 503),
            "html": PlainTextResponse("<html>moment</html>"),
            "list": JSONResponse(self.jwks),
            "empty": JSONResponse({"keys": []}),
            "redirect": RedirectResponse("/forge/jwks.json?redirected", 302),
            "huge": JSONResponse({"keys": self.jwks, "filler": "x" * 100_000}),
        }.get(self.modes["jwks"], good)

    async def _server_info(self, request: Request) -> Response:
        """Of a site that Forge alone knows; nothing else of it is there."""
        if self.modes["gateway"] != "good":
            return JSONResponse({"code": 403, "message": "Forbidden"}, 403)
        address = f"https://{request.path_params['cloud']}.atlassian.net"
        return JSONResponse({"baseUrl": address, "version": "1001.0.0-SNAPSHOT"})

    async def _users(self, request: Request) -> Response:
        if self.modes["rest"] != "good":
            return self._broken_site(self.modes["rest"])
        there = [a for a in request.query_params.getlist("accountId") if a not in self.unknown]
        people = [
            {"accountId": a, "displayName": "Secret name", "active": a not in self.closed}
            for a in there
        ]
        return JSONResponse({"values": people, "isLast": True, "total": len(people)})

    async def _permissions(self, request: Request) -> Response:
        if self.modes["rest"] != "good":
            return self._broken_site(self.modes["rest"])
        asked = await request.json()
        may = asked["accountId"] not in self.customers | self.closed | self.unknown
        (part,) = asked["projectPermissions"]
        seen = [p for p in part["projects"] if p == 10000]
        granted = [{"permission": p, "projects": seen, "issues": []} for p in part["permissions"]]
        found = granted if may and seen else []
        return JSONResponse({"projectPermissions": found, "globalPermissions": []})

    async def _project(self, request: Request) -> Response:
        raw = request.scope["raw_path"].decode()
        self.calls.append((raw, request.headers.get("authorization")))
        if self.modes["rest"] != "good":
            return self._broken_site(self.modes["rest"])
        projects = {"DEMO": "10000", "10000": "10000", "OTHER": "10002", "10002": "10002"}
        found = projects.get(request.path_params["project"])
        if found is None:
            return JSONResponse({"errorMessages": ["No project could be found"]}, 404)
        key = "DEMO" if found == "10000" else "OTHER"
        return JSONResponse({"id": found, "key": key, "name": "Secret name", "lead": {}})

    def _broken_site(self, mode: str) -> Response:
        return {
            "down": PlainTextResponse("down", 503),
            "unauthorized": JSONResponse({"errorMessages": ["no"]}, 401),
            "forbidden": JSONResponse({"errorMessages": ["no"]}, 403),
            "busy": JSONResponse({}, 429, {"retry-after": "17"}),
            "redirect": RedirectResponse("/elsewhere", 302),
            "garbage": PlainTextResponse("<html>"),
            "huge": PlainTextResponse("x" * 2_000_000),
            "renamed": JSONResponse({"id": "10000", "key": "SHOP", "name": "Web shop"}),
            "odd": JSONResponse({"id": "10001", "key": "lower-case", "name": "Odd"}),
        }[mode]


@dataclass
class JiraSite:
    """One site that calls the app. ``changes`` of a call replace claims, header or body fields."""

    keys: Keys
    clock: Clock
    app_url: str
    base_url: str
    client_key: str = field(default_factory=lambda: secrets.token_hex(18))
    secret: str = field(default_factory=lambda: f"canary-{secrets.token_urlsafe(48)}")

    def new_secret(self) -> str:
        self.secret = f"canary-{secrets.token_urlsafe(48)}"
        return self.secret

    def body(self, hook: str, **changes: Any) -> bytes:
        """Write the payload; a change to ``...`` leaves a field out."""
        content: dict[str, Any] = {
            "key": APP_KEY,
            "clientKey": self.client_key,
            "publicKey": "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQ",
            "baseUrl": self.base_url,
            "displayUrl": self.base_url,
            "productType": "jira",
            "description": "A site",
            "eventType": hook,
            "accountId": "5b10a2844c20165700ede21a",
        }
        if hook == "installed":
            content["sharedSecret"] = self.secret
        content.update(changes)
        return json.dumps({k: v for k, v in content.items() if v is not ...}).encode()

    def claims(self, hook: str, **changes: Any) -> dict[str, Any]:
        now = int(self.clock.now().timestamp())
        content: dict[str, Any] = {
            "iss": self.client_key,
            "aud": [self.app_url],
            "iat": now,
            "exp": now + 180,
            "qsh": qsh("POST", f"/connect/{hook}"),
        }
        content.update(changes)
        return {k: v for k, v in content.items() if v is not ...}

    def signed(
        self,
        hook: str,
        *,
        key: str = "good",
        header: Mapping[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """Return an Authorization header as Atlassian signs it."""
        top = {"typ": "JWT", "alg": "RS256", "kid": GOOD_KID, **(header or {})}
        return f"JWT {self.keys.rs256(top, self.claims(hook, **claims), key)}"

    def symmetric(
        self,
        hook: str,
        *,
        secret: str | None = None,
        header: Mapping[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """Return an Authorization header made with the shared secret."""
        top = {"typ": "JWT", "alg": "HS256", **(header or {})}
        found = self.claims(hook, **{"aud": ..., **claims})
        return f"JWT {hs256(top, found, self.secret if secret is None else secret)}"

    def authorization(self, hook: str) -> str:
        """Return the right header of a hook."""
        asymmetric = hook in {"installed", "uninstalled"}
        return self.signed(hook) if asymmetric else self.symmetric(hook)
