"""Sends requests to the app and records each, whole, for replay."""

import time
from typing import Any

import httpx

from devstack.jira.qsh import base_path_of, query_string_hash
from devstack.jira.records import Delivery
from devstack.jira.world import World

MAX_ANSWER_KEPT = 4096


def target_of(url: httpx.URL) -> str:
    """Path and query exactly as they will stand in the request line."""
    return url.raw_path.decode("ascii")


def request_hash(method: str, url: httpx.URL, app_base_url: str) -> str:
    """qsh of a request to the app, relative to the app's base URL."""
    return query_string_hash(method, target_of(url), base_path_of(app_base_url))


class Sender:
    """Never follows a redirect and never uses a proxy from the environment."""

    def __init__(self, world: World, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._world = world
        self._client = httpx.AsyncClient(
            transport=transport, trust_env=False, follow_redirects=False
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def get_json(self, url: str) -> Any:
        """Raises ValueError when the answer is not a 200 with JSON."""
        try:
            answer = await self._client.get(url, timeout=self._timeout)
        except httpx.HTTPError as error:
            raise ValueError(f"GET {url}: {type(error).__name__} {error}") from error
        if answer.status_code != 200:
            raise ValueError(f"GET {url}: status {answer.status_code}")
        return answer.json()

    async def send(self, delivery: Delivery, patience: float | None = None) -> Delivery:
        """Fill in the outcome; a connection that fails or is too slow is an outcome, too.

        `patience` in seconds; without it, that of lifecycle hooks.
        """
        request = self._client.build_request(
            delivery.method,
            delivery.url,
            headers=delivery.headers,
            content=delivery.body,
            timeout=self._timeout if patience is None else patience,
        )
        delivery.seq = self._world.records.deliveries.add(delivery)
        started = time.perf_counter()
        try:
            answer = await self._client.send(request)
        except httpx.HTTPError as error:
            delivery.error = f"{type(error).__name__}: {error}"
        else:
            delivery.status = answer.status_code
            delivery.answer_headers = dict(answer.headers)
            delivery.answer_body = answer.text[:MAX_ANSWER_KEPT]
        delivery.milliseconds = (time.perf_counter() - started) * 1000
        return delivery

    async def replay(self, original: Delivery) -> Delivery:
        """The same bytes again, token included."""
        return await self.send(
            Delivery(
                at=self._world.clock.now(),
                site=original.site,
                hook=original.hook,
                method=original.method,
                url=original.url,
                headers=dict(original.headers),
                body=original.body,
                note=f"replay of {original.seq}",
            )
        )

    @property
    def _timeout(self) -> float:
        return self._world.state.policy.hook_timeout_seconds
