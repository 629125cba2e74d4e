"""One stand-in and one receiver app, wired in process."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from starlette.routing import Route

from devstack.jira.app import Setup, StandIn, build
from devstack.jira.keys import KeyRing
from devstack.jira.model import SigningKey
from devstack.jira.qsh import query_string_hash
from devstack.jira.tokens import hs256
from devstack.standin.clock import Clock
from tests.devstack.jira_receiver import APP_KEY, BASE_URL, Receiver

SITE_URL = "http://jira.test"


@cache
def _made_once() -> SigningKey:
    return KeyRing([]).rotate("0b0e6f0e-52f5-4b1c-9f0c-3f2f2a9d7c11")


def _signing_key() -> SigningKey:
    return _made_once().model_copy()


@cache
def _forge_key_made_once() -> SigningKey:
    return KeyRing([]).rotate("forge/invocation-token/4c1d1f5e-8a52-4e1b-9f0c-3f2f2a9d7c22")


@dataclass
class Wired:
    standin: StandIn
    receiver: Receiver
    client: httpx.AsyncClient

    async def act(self, action: str, site: str = "demo", **order: Any) -> dict[str, Any]:
        answer = await self.client.post(f"/control/sites/{site}/actions/{action}", json=order)
        assert answer.status_code == 200, answer.text
        content: dict[str, Any] = answer.json()
        return content

    async def control(self, lever: str, **body: Any) -> Any:
        answer = await self.client.post(f"/control/{lever}", json=body)
        assert answer.is_success, answer.text
        return answer.json()

    async def view(self, path: str, **query: Any) -> Any:
        answer = await self.client.get(f"/control/{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    @property
    def secret(self) -> str:
        return self.receiver.secrets[self.standin.world.state.sites["demo"].client_key]

    def authorization(self, method: str, target: str, **claims: Any) -> dict[str, str]:
        """The header an app sends; `claims` replaces single ones."""
        now = int(self.standin.world.clock.now())
        content = {
            "iss": APP_KEY,
            "iat": now,
            "exp": now + 180,
            "qsh": query_string_hash(method, target),
        } | claims
        return {"authorization": f"JWT {hs256(content, self.secret)}"}

    async def get(self, target: str, **claims: Any) -> httpx.Response:
        return await self.client.get(target, headers=self.authorization("GET", target, **claims))

    async def post(self, target: str, body: Any) -> httpx.Response:
        return await self.send("POST", target, body)

    async def send(self, method: str, target: str, body: Any = None) -> httpx.Response:
        headers = self.authorization(method, target)
        return await self.client.request(method, target, headers=headers, json=body)

    async def deliver(self, **order: Any) -> list[str]:
        """Send the webhooks that are due; outcomes of the attempts."""
        made = await self.control("webhooks/deliver", **order)
        return [attempt["outcome"] for attempt in made["attempts"]]

    def heard(self) -> list[str]:
        """Events of the webhooks that came, in their order."""
        return [webhook.body.get("webhookEvent", "") for webhook in self.receiver.webhooks]


@asynccontextmanager
async def wired(
    clock: Clock | None = None,
    seed: int | None = None,
    state_file: Path | None = None,
    routes: Sequence[Route] = (),
) -> AsyncIterator[Wired]:
    """`routes` are further ones of the app."""
    receiver = Receiver(now=clock.now) if clock else Receiver()
    receiver.more_routes += routes
    standin = build(
        Setup(
            base_url=SITE_URL,
            app_url=BASE_URL,
            clock=clock,
            seed=seed,
            state_file=state_file,
            keys=[_signing_key()],
            forge_keys=[_forge_key_made_once().model_copy()],
            transport=httpx.ASGITransport(app=receiver.app),
        )
    )
    transport = httpx.ASGITransport(app=standin.app)
    async with httpx.AsyncClient(transport=transport, base_url=SITE_URL) as client:
        receiver.keys = client
        yield Wired(standin, receiver, client)
    await standin.sender.close()
