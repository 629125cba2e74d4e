"""A bare FastAPI handler: validates a body, inserts one document by Motor (majority), answers.

    python -m bench.baselines.create_server PORT URI DATABASE DOCUMENT

``DOCUMENT`` is a file with one execution as the service stored it, in BSON; every request inserts
it with ids of its own. There is no index but the one on ``_id``.
"""

import asyncio
import itertools
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import bson
import uvicorn
from fastapi import FastAPI
from motor.motor_asyncio import AsyncIOMotorClient
from pydantic import BaseModel
from pymongo.write_concern import WriteConcern

Document = dict[str, Any]


class Execution(BaseModel):
    """The fields that the clients send."""

    projectKey: str  # noqa: N815  names of the API
    testCaseKey: str  # noqa: N815
    testCycleKey: str  # noqa: N815
    statusName: str  # noqa: N815
    environmentName: str | None = None  # noqa: N815
    actualEndDate: datetime | None = None  # noqa: N815
    executionTime: int | None = None  # noqa: N815
    comment: str | None = None


def bare(uri: str, database: str, document: Document) -> FastAPI:
    """Return the application."""
    client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(uri, tz_aware=True)
    rows = client.get_database(database, write_concern=WriteConcern("majority"))["executions"]
    numbers = itertools.count(1)
    app = FastAPI()

    @app.post("/v2/testexecutions", status_code=201)
    async def create(body: Execution) -> Document:
        number = next(numbers)
        fresh = {"_id": f"bench/{number}", "id": number, "comment": body.comment}
        await rows.insert_one({**document, **fresh})
        return {"id": number, "self": f"http://127.0.0.1/v2/testexecutions/{number}"}

    return app


async def main(port: int, uri: str, database: str, document: Document) -> None:
    """Serve until killed."""
    app = bare(uri, database, document)
    config = uvicorn.Config(app, port=port, access_log=False, log_level="error", lifespan="off")
    await uvicorn.Server(config).serve()


if __name__ == "__main__":
    _, listen, address, name, file = sys.argv
    from uvloop import new_event_loop

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        stored = bson.decode(Path(file).read_bytes())
        runner.run(main(int(listen), address, name, stored))
