"""The processor stand-ins in process, with a clock that stands still."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from devstack.processors.app import ProcessorsApp, Setup
from devstack.standin.clock import Clock

NOW = 1_800_000_000.0
WRITE_KEY = "segment-write-key"
API_KEY = "amplitude-api-key"


def track(number: int = 1, **changes: Any) -> dict[str, Any]:
    message = {
        "type": "track",
        "userId": f"pseudonym-{number}",
        "event": "Upload Finished",
        "properties": {"format": "junit"},
        "timestamp": "2027-01-15T07:59:00.000Z",
        "messageId": f"message-{number}",
    }
    return {name: value for name, value in {**message, **changes}.items() if value is not None}


def event(number: int = 1, **changes: Any) -> dict[str, Any]:
    content = {
        "user_id": f"pseudonym-{number}",
        "event_type": "Upload Finished",
        "time": 1_799_999_000_000,
        "insert_id": f"insert-{number}",
        "event_properties": {"format": "junit"},
    }
    return {name: value for name, value in {**content, **changes}.items() if value is not None}


@dataclass
class Standins:
    client: httpx.AsyncClient

    async def segment(self, *messages: Any, **envelope: Any) -> httpx.Response:
        return await self.client.post(
            "/segment/v1/batch",
            auth=(WRITE_KEY, ""),
            json={"batch": list(messages), "sentAt": "2027-01-15T08:00:00.000Z", **envelope},
        )

    async def amplitude(
        self, *events: Any, path: str = "/2/httpapi", **more: Any
    ) -> httpx.Response:
        body = {"api_key": API_KEY, "events": list(events), **more}
        return await self.client.post(f"/amplitude{path}", json=body)

    async def faults(self, processor: str, *faults: dict[str, Any]) -> None:
        await self.control("faults", processor=processor, faults=list(faults))

    async def control(self, lever: str, **body: Any) -> Any:
        answer = await self.client.post(f"/control/{lever}", json=body)
        assert answer.is_success, answer.text
        return answer.json()

    async def visible(self, processor: str) -> list[dict[str, Any]]:
        answer = await self.client.get(f"/control/visible/{processor}")
        found: list[dict[str, Any]] = answer.json()["events"]
        return found

    async def dropped(self, processor: str) -> list[str]:
        answer = await self.client.get(f"/control/dropped/{processor}")
        return [one["reason"] for one in answer.json()["dropped"]]

    async def recorded(self, **query: Any) -> Any:
        answer = await self.client.get("/recorded", params=query)
        assert answer.status_code == 200, answer.text
        return json.loads(answer.text)


@asynccontextmanager
async def standins(**setup: Any) -> AsyncIterator[Standins]:
    app = ProcessorsApp(Setup(clock=Clock(NOW), **setup))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://standins.test") as client:
        yield Standins(client)
