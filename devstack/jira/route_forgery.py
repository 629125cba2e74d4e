"""Calls of an app's own routes with chosen deviations: webhooks, pages, its own API, Forge."""

import uuid
from dataclasses import dataclass
from typing import Any, Literal

import httpx
from pydantic import BaseModel, ConfigDict, Field

from devstack.jira import tokens
from devstack.jira.forge.app import ForgeApp
from devstack.jira.forge.invocation import Invocation
from devstack.jira.forgery import OTHER_CLIENT_KEY
from devstack.jira.keys import public_pem
from devstack.jira.model import ForgeInstallation, Installation, Site
from devstack.jira.records import Delivery
from devstack.jira.sender import request_hash
from devstack.jira.world import World

RouteKind = Literal["webhook", "iframe", "context", "forge"]
Credential = Literal["natural", "shared_secret", "install_key", "invocation"]


class RouteDeviation(BaseModel):
    """What is wrong; everything not named is as the route's kind wants it.

    Names in `claims` and `drop_claims` may be dotted (`app.id`). Strings may hold {base},
    {other_client_key}, {cloud} (of the site) and {stranger} (a made-up id).
    """

    model_config = ConfigDict(extra="forbid")

    credential: Credential = "natural"
    alg: str | None = None
    key: Literal["natural", "stranger", "public_pem"] = "natural"
    kid: str | None = None
    header: dict[str, Any] = Field(default_factory=dict)
    drop_header: list[str] = Field(default_factory=list)
    claims: dict[str, Any] = Field(default_factory=dict)
    drop_claims: list[str] = Field(default_factory=list)
    qsh: Literal["natural", "request", "context", "other_path", "other_method"] = "natural"
    age: int = Field(default=0, description="seconds by which all times lie in the past")
    carried_in: Literal["natural", "header", "query", "body", "nowhere"] = "natural"
    scheme: str | None = None


@dataclass(frozen=True, slots=True)
class Aim:
    """The route under attack: `path` with its query, relative to the app's base URL."""

    kind: RouteKind
    method: str
    path: str
    body: bytes = b""
    account_id: str | None = None


def _place(content: dict[str, Any], name: str) -> tuple[dict[str, Any], str]:
    *parents, last = name.split(".")
    for parent in parents:
        content = content.setdefault(parent, {})
    return content, last


class RouteForger:
    """Builds the deliveries; it changes no state of the stand-in."""

    def __init__(
        self,
        world: World,
        site: Site,
        connect: Installation | None,
        forge: tuple[ForgeApp, ForgeInstallation] | None,
    ) -> None:
        self._world = world
        self._site = site
        self._connect = connect
        self._forge = forge

    def forge(self, aim: Aim, deviation: RouteDeviation, note: str) -> Delivery:
        """Raises ValueError when the kind of app that the token speaks of is not there."""
        credential = self._credential(aim, deviation)
        base = self._base(aim)
        token = self._token(aim, deviation, credential, base)
        self._world.issued(self._site, "token", token)
        natural = "query" if aim.kind == "iframe" else "header"
        place = natural if deviation.carried_in == "natural" else deviation.carried_in
        headers = {"content-type": "application/json"}
        url, body = base + aim.path, aim.body
        if place == "header":
            scheme = "Bearer" if credential == "invocation" else "JWT"
            headers["authorization"] = f"{deviation.scheme or scheme} {token}"
        elif place == "query":
            url += ("&" if "?" in url else "?") + f"jwt={token}"
        elif place == "body":
            body = b'{"jwt":"' + token.encode() + b'"}'
        return Delivery(
            at=self._world.clock.now(),
            site=self._site.name,
            hook=aim.kind,
            method=aim.method,
            url=url,
            headers=headers,
            body=body,
            note=note,
        )

    def _base(self, aim: Aim) -> str:
        if aim.kind == "forge" and self._forge is not None:
            return self._forge[0].base_url
        if self._connect is None:
            raise ValueError("no Connect app is installed")
        return self._connect.app_base_url

    @staticmethod
    def _credential(aim: Aim, deviation: RouteDeviation) -> Credential:
        if deviation.credential != "natural":
            return deviation.credential
        return "invocation" if aim.kind == "forge" else "shared_secret"

    def _token(self, aim: Aim, deviation: RouteDeviation, credential: Credential, base: str) -> str:
        claims = self._claims(aim, deviation, credential, base)
        alg = deviation.alg or ("HS256" if credential == "shared_secret" else "RS256")
        header: dict[str, Any] = {"typ": "JWT", "alg": alg}
        if credential != "shared_secret":
            ring = self._world.forge_keys if credential == "invocation" else self._world.keys
            header["kid"] = ring.signing[0]
        if deviation.kid is not None:
            header["kid"] = deviation.kid.replace("{unknown}", str(uuid.uuid4()))
        header.update(deviation.header)
        for name in deviation.drop_header:
            header.pop(name, None)
        return tokens.encode(header, claims, self._signer(deviation, credential, alg))

    def _claims(
        self, aim: Aim, deviation: RouteDeviation, credential: Credential, base: str
    ) -> dict[str, Any]:
        if credential == "invocation":
            content = self._invocation(aim)
        else:
            content = self._connect_claims(aim, deviation, credential, base)
        for name in ("iat", "nbf", "exp"):
            if name in content:
                content[name] -= deviation.age
        for name, value in deviation.claims.items():
            parent, last = _place(content, name)
            parent[last] = self._filled(value, base)
        for name in deviation.drop_claims:
            parent, last = _place(content, name)
            parent.pop(last, None)
        return content

    def _invocation(self, aim: Aim) -> dict[str, Any]:
        if self._forge is None:
            raise ValueError("no Forge app is installed")
        app, installed = self._forge
        person = aim.account_id
        return Invocation(self._world, self._site, app, installed, "page", person).claims()

    def _connect_claims(
        self, aim: Aim, deviation: RouteDeviation, credential: Credential, base: str
    ) -> dict[str, Any]:
        now = int(self._world.clock.now())
        content: dict[str, Any] = {
            "iss": self._site.client_key,
            "iat": now,
            "exp": now + tokens.LIFETIME_SECONDS,
            "qsh": self._qsh(aim, deviation, base),
        }
        if credential == "install_key":
            content["aud"] = [base]
        if aim.account_id is not None:
            content["sub"] = aim.account_id
        return content

    def _qsh(self, aim: Aim, deviation: RouteDeviation, base: str) -> str:
        natural = "context" if aim.kind == "context" else "request"
        wanted = natural if deviation.qsh == "natural" else deviation.qsh
        path, _, query = aim.path.partition("?")
        other_method = "PUT" if aim.method != "PUT" else "POST"
        made = {
            "request": (aim.method, aim.path),
            "other_path": (aim.method, f"{path}/other?{query}"),
            "other_method": (other_method, aim.path),
        }
        if wanted == "context":
            return "context-qsh"
        method, target = made[wanted]
        return request_hash(method, httpx.URL(base + target), base)

    def _filled(self, value: Any, base: str) -> Any:
        names = {
            "base": base,
            "other_client_key": OTHER_CLIENT_KEY,
            "cloud": self._site.cloud_id,
            "stranger": "11111111-2222-4333-8444-555555555555",
        }
        if isinstance(value, list):
            return [self._filled(item, base) for item in value]
        if isinstance(value, str):
            for name, text in names.items():
                value = value.replace("{" + name + "}", text)
        return value

    def _signer(self, deviation: RouteDeviation, credential: Credential, alg: str) -> tokens.Signer:
        ring = self._world.keys if credential == "install_key" else self._world.forge_keys
        if alg.startswith("RS"):
            key = ring.stranger if deviation.key == "stranger" else ring.signing[1]
            return tokens.rsa_signer(key, alg)
        if not alg.startswith("HS"):
            return tokens.no_signature
        if deviation.key == "public_pem":
            return tokens.hmac_signer(public_pem(ring.signing[1]), alg)
        secret = self._connect.shared_secret if self._connect else ""
        if deviation.key == "stranger" or not secret:
            secret = self._world.chance.secret()
        return tokens.hmac_signer(secret, alg)
