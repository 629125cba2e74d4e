"""A bare ASGI handler: finds a page of a project's executions with Motor, renders with orjson.

    python -m bench.baselines.page_server PORT URI DATABASE TENANT FIRST_ID END_ID

``GET /?skip=0&limit=100`` answers with the documents as they are stored.
"""

import asyncio
import sys
from typing import Any
from urllib.parse import parse_qs

import orjson
import uvicorn
from motor.motor_asyncio import AsyncIOMotorClient

Message = dict[str, Any]


class Bare:
    """The handler."""

    def __init__(self, uri: str, database: str, query: Message) -> None:
        client: AsyncIOMotorClient[Message] = AsyncIOMotorClient(uri, tz_aware=True)
        self._rows = client[database]["test_executions"]
        self._query = query

    async def __call__(self, scope: Message, _receive: Any, send: Any) -> None:
        """Serve one GET."""
        wanted = parse_qs(scope["query_string"].decode())
        skip, limit = int(wanted["skip"][0]), int(wanted["limit"][0])
        rows = (
            await self._rows.find(self._query).sort("id", 1).skip(skip).limit(limit).to_list(limit)
        )
        body = orjson.dumps({"values": rows})
        head = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": body})


async def main(port: int, app: Bare) -> None:
    """Serve until killed."""
    config = uvicorn.Config(app, port=port, access_log=False, log_level="error", lifespan="off")
    await uvicorn.Server(config).serve()


async def _serve(port: int, uri: str, database: str, query: Message) -> None:
    await main(port, Bare(uri, database, query))


if __name__ == "__main__":
    _, port, uri, database, tenant, first, end = sys.argv
    from uvloop import new_event_loop

    query = {"tenant": tenant, "id": {"$gte": int(first), "$lt": int(end)}}
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(_serve(int(port), uri, database, query))
