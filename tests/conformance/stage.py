"""The projects and things that calls name, and how a call is sent there."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.conformance.furniture import Furniture
from tests.conformance.walk import Call, Try, Where, Who, fill

OTHER, BARE = "OTHER", "BARE"
"""A project of the same tenant, and one without a default status of cycles."""
MAX_FILE = 100_000
"""The cap on attachments here, in bytes."""


@dataclass
class Stage:
    """What runs."""

    http: httpx.AsyncClient
    tokens: dict[Who, str]
    furniture: dict[Where, Furniture] = field(default_factory=dict)
    shared: dict[str, Any] = field(default_factory=dict)
    """Names that are the same in every project."""

    def names(self, where: Where = Where.DEMO) -> dict[str, Any]:
        """Return what the things of a project are called."""
        return {**self.shared, **self.furniture[where].names}

    async def send(self, call: Call, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """Send a call whose names are filled in, as the user unless ``headers`` say otherwise."""
        more: dict[str, Any] = {}
        if call.content is not None:
            more["content"] = call.content
        elif call.files is not None:
            more["files"] = {
                part: (name, json.dumps(value) if isinstance(value, dict) else value, kind)
                for part, (name, value, kind) in call.files.items()
            }
        elif call.body is not None:
            more["json"] = call.body
        who = {"authorization": self.tokens[Who.USER]} if headers is None else headers
        params = {name: value for name, value in call.params.items() if value is not ...}
        return await self.http.request(
            call.method, call.path, params=params, headers={**call.headers, **who}, **more
        )

    async def provoke(self, call: Call, tried: Try) -> httpx.Response:
        """Send what fails."""
        names = self.names(tried.where)
        filled = tried.of(call).filled({**names, **fill(tried.names, names)})
        headers = {"authorization": self.tokens[tried.who]}
        if tried.twice:
            await self.send(filled, headers)
        return await self.send(filled, headers)

    def unauthenticated(self) -> dict[str, Mapping[str, str]]:
        """Return headers for each cause of 401."""
        head, claims, _ = self.tokens[Who.USER].removeprefix("Bearer ").split(".")
        text = base64.urlsafe_b64encode(b"no JSON").decode().rstrip("=")
        of = {
            "auth-not-three-parts": "one.two",
            "auth-bad-base64": "$.$.$",
            "auth-bad-json": f"{text}.{text}.{text}",
            "auth-bad-signature": f"{head}.{claims}.{text}",
        }
        return {
            "auth-header-missing": {},
            **{cause: {"authorization": f"Bearer {token}"} for cause, token in of.items()},
        }
