"""Lifecycle calls with chosen deviations, as an attacker or a broken host would send them."""

import uuid
from typing import Any, Literal

import httpx
from pydantic import BaseModel, ConfigDict, Field

from devstack.jira import tokens
from devstack.jira.keys import public_pem
from devstack.jira.lifecycle_call import ASYMMETRIC, App, LifecycleCall, encoded, payload
from devstack.jira.model import Installation, Site
from devstack.jira.records import Delivery
from devstack.jira.sender import request_hash
from devstack.jira.world import World

Hook = Literal["installed", "uninstalled", "enabled", "disabled"]
OTHER_CLIENT_KEY = "9d1f7c52-0f6e-4b0e-8a57-5f7f1f3f0b11"


class Deviation(BaseModel):
    """What is wrong with the call; everything not named is as a real host does it.

    Strings in `claims` and `body` may hold {base} (the app's base URL), {client_key} of the site
    and {other_client_key} of a tenant that is not it.
    """

    model_config = ConfigDict(extra="forbid")

    hook: Hook = "installed"
    alg: str | None = None
    key: Literal["natural", "install_key", "stranger", "public_pem", "shared_secret"] = "natural"
    kid: str | None = None
    header: dict[str, Any] = Field(default_factory=dict)
    claims: dict[str, Any] = Field(default_factory=dict)
    drop_claims: list[str] = Field(default_factory=list)
    qsh: Literal["request", "context", "other_path", "other_method", "upper_case"] = "request"
    age: int = Field(default=0, description="seconds by which iat and exp lie in the past")
    body: dict[str, Any] = Field(default_factory=dict)
    drop_body: list[str] = Field(default_factory=list)
    raw_body: str | None = None
    carried_in: Literal["header", "query", "body", "nowhere"] = "header"
    scheme: str = "JWT"


def _filled(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, str):
        for name, replacement in names.items():
            value = value.replace("{" + name + "}", replacement)
        return value
    if isinstance(value, list):
        return [_filled(item, names) for item in value]
    return value


class Forger:
    """Builds the deliveries; it changes no state of the stand-in."""

    def __init__(self, world: World, site: Site, app: App, installed: Installation | None) -> None:
        self._world = world
        self._site = site
        self._app = app
        self._installed = installed
        self._secret = installed.shared_secret if installed else world.chance.secret()
        self._names = {
            "base": app.base_url,
            "client_key": site.client_key,
            "other_client_key": OTHER_CLIENT_KEY,
        }

    def forge(self, deviation: Deviation, note: str) -> Delivery:
        call = LifecycleCall(self._world, self._site, self._app, deviation.hook)
        token = self._world.issued(self._site, "token", self._token(deviation, call.claims()))
        authorization = f"{deviation.scheme} {token}" if deviation.carried_in == "header" else None
        body = self._body(deviation, token)
        built = call.delivery(body, authorization)
        if deviation.carried_in == "query":
            built.url += ("&" if "?" in built.url else "?") + f"jwt={token}"
        built.note = note
        return built

    def _body(self, deviation: Deviation, token: str) -> bytes:
        if deviation.raw_body is not None:
            return deviation.raw_body.encode()
        key = self._app.key
        secret = self._world.chance.secret()
        content = payload(self._site, key, deviation.hook, self._installed, secret)
        content.update({name: _filled(v, self._names) for name, v in deviation.body.items()})
        for name in deviation.drop_body:
            content.pop(name, None)
        if deviation.carried_in == "body":
            content["jwt"] = token
        return encoded(content)

    def _token(self, deviation: Deviation, content: dict[str, Any]) -> str:
        content["iat"] -= deviation.age
        content["exp"] -= deviation.age
        content["qsh"] = self._qsh(deviation, content["qsh"])
        content.update({name: _filled(v, self._names) for name, v in deviation.claims.items()})
        for name in deviation.drop_claims:
            content.pop(name, None)
        alg = deviation.alg or ("RS256" if deviation.hook in ASYMMETRIC else "HS256")
        header: dict[str, Any] = {"typ": "JWT", "alg": alg}
        if deviation.kid is not None or alg.startswith("RS") or deviation.key == "public_pem":
            header["kid"] = self._kid(deviation)
        header.update(deviation.header)
        return tokens.encode(header, content, self._signer(deviation, alg))

    def _kid(self, deviation: Deviation) -> str:
        if deviation.kid == "{unknown}":
            return str(uuid.uuid4())
        return deviation.kid if deviation.kid is not None else self._world.keys.signing[0]

    def _qsh(self, deviation: Deviation, true_hash: str) -> str:
        url = httpx.URL(self._app.url(deviation.hook))
        other = httpx.URL(self._app.url(deviation.hook) + "/other")
        return {
            "request": true_hash,
            "context": "context-qsh",
            "other_path": request_hash("POST", other, self._app.base_url),
            "other_method": request_hash("PUT", url, self._app.base_url),
            "upper_case": true_hash.upper(),
        }[deviation.qsh]

    def _signer(self, deviation: Deviation, alg: str) -> tokens.Signer:
        _, install_key = self._world.keys.signing
        if alg.startswith("RS"):
            private = self._world.keys.stranger if deviation.key == "stranger" else install_key
            return tokens.rsa_signer(private, alg)
        if alg.upper().startswith("HS"):
            key = public_pem(install_key) if deviation.key == "public_pem" else self._secret
            return tokens.hmac_signer(key, alg.upper())
        return tokens.no_signature
