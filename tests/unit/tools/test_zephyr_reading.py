"""Reading an account that is unlike Ostro: no ``/nextgen``, archived options, refusals."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.unit.tools.zephyr_rows import case, cycle, execution, option, ref
from tools.zephyr.api import Api, ApiError, Manners
from tools.zephyr.kinds import WALKED
from tools.zephyr.progress import Silent
from tools.zephyr.reading import Reader
from tools.zephyr.walks import cursor_pages
from tools.zephyr.workdir import Row, Source, Workdir

WANTED = Source(
    base_url="https://api.example/v2",
    attachments=True,
    step_attachments=True,
    versions=True,
    execution_steps=True,
)
STEP: Row = {"id": 7, "inline": {"description": "d"}, "testCase": None}
EMPTY = ("priorities", "environments", "folders", "testplans", "versions")
REFUSED = {"testcases/OLD-T3/attachments": 403, "testcases/OLD-T4/teststeps": 422}


class Account:
    """An account of the vendor: things by path; lists are paged, everything else is 404."""

    def __init__(self, *, nextgen: bool) -> None:
        self.nextgen = nextgen
        self.asked: list[str] = []
        text = {"self": "https://api.example/v2/testcases/OLD-T2/testscript"}
        self.lists: dict[str, list[Row]] = {
            "testcases": [case(n, status=ref("statuses", 99)) for n in range(1, 104)],
            "testcycles": [cycle(60_001, "OLD-R1")],
            "testexecutions": [execution(1, 1, 1)],
            "statuses": [option(11, "Draft", 0)],
            "testcases/OLD-T1/teststeps": [STEP],
            "testcases/OLD-T1/versions": [
                {"id": 2, "self": "https://x/testcases/OLD-T1/versions/2"},
                {"id": 1, "self": "https://x/testcases/OLD-T1/versions/1"},
            ],
        }
        self.lists["testcases"][1]["testScript"] = text
        self.things: dict[str, Any] = {
            "healthcheck": {},
            "projects/OLD": {"id": 138_300, "key": "OLD", "enabled": True},
            "statuses/99": option(99, "Archived", 5, archived=True),
            "testcases/OLD-T2/testscript": {"type": "bdd", "text": "Given a", "id": 3},
            "testcases/OLD-T1/versions/1": case(1, name="old"),
            "testcases/OLD-T1/attachments": {"attachments": [{"id": 4, "name": "n"}]},
            "testcases/OLD-T1/teststeps/7/attachments": {"attachments": [{"id": 5, "name": "s"}]},
        }

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/v2/")
        self.asked.append(path)
        if path.endswith("/nextgen"):
            return self._walk(path.removesuffix("/nextgen"), request.url.params)
        if path in self.things:
            headers = {"date": "Tue, 24 Nov 2026 10:00:00 GMT"}
            return httpx.Response(200, json=self.things[path], headers=headers)
        if "/attachments/" in path:
            return httpx.Response(200, content=path.encode())
        if path in self.lists or path.endswith(EMPTY):
            return self._page(self.lists.get(path, []), request.url.params)
        status = REFUSED.get(path, 404)
        return httpx.Response(status, json={"errorCode": status, "message": "not here"})

    def _page(self, rows: list[Row], query: httpx.QueryParams) -> httpx.Response:
        start, size = int(query.get("startAt", 0)), min(int(query.get("maxResults", 10)), 50)
        values = rows[start : start + size]
        last = start + size >= len(rows)
        body = {"startAt": start, "total": len(rows), "isLast": last, "values": values}
        return httpx.Response(200, json=body)

    def _walk(self, path: str, query: httpx.QueryParams) -> httpx.Response:
        if not self.nextgen:
            return httpx.Response(403, json={"message": "unknown path"})
        rows = [r for r in self.lists.get(path, []) if r["id"] >= int(query.get("startAtId", 0))]
        limit = int(query["limit"])
        following = rows[limit]["id"] if len(rows) > limit else None
        if "updatedAfter" in query:
            assert query["updatedAfter"] == "2026-11-24T09:59:00Z"
            rows, following = rows[:1], None
        body = {"nextStartAtId": following, "limit": limit, "values": rows[:limit]}
        return httpx.Response(200, json=body)


def client(handler: Callable[[httpx.Request], httpx.Response]) -> Api:
    http = httpx.AsyncClient(
        base_url="https://api.example/v2/", transport=httpx.MockTransport(handler)
    )
    return Api(http, Manners(), "t.o.k")


@pytest.mark.parametrize("nextgen", [True, False])
async def test_everything_is_read_however_the_lists_are(nextgen: bool, tmp_path: Path) -> None:
    account = Account(nextgen=nextgen)
    workdir = Workdir(tmp_path / "OLD")
    await Reader(client(account), workdir, "OLD", WANTED, Silent()).read(
        margin=timedelta(minutes=1)
    )
    assert workdir.state.cursor_walks == dict.fromkeys((k.name for k in WALKED), nextgen)
    assert [r["key"] for r in workdir.latest("testcases")] == [f"OLD-T{n}" for n in range(1, 104)]
    # the second pass: what changed, where the source can tell
    assert workdir.state.number == 2
    assert workdir.cursor("testcases").rows == (104 if nextgen else 206)
    details = {row["key"]: row for row in workdir.latest("testcases.details")}
    one = details["OLD-T1"]
    assert one["script"] == {"type": "steps", "steps": [STEP]}
    assert [(v["number"], v["content"] and v["content"]["name"]) for v in one["versions"]] == [
        (1, "old"),
        (2, None),
    ]
    assert [(a["id"], a["step"]) for a in one["attachments"]] == [(4, None), (5, 7)]
    files = {path.read_bytes() for path in workdir.files.iterdir()}
    assert b"testcases/OLD-T1/teststeps/7/attachments/5" in files
    assert details["OLD-T2"]["script"] == {"type": "bdd", "text": "Given a"}
    assert "testcases/OLD-T2/teststeps" not in account.asked
    assert details["OLD-T3"]["problems"] == [
        "attachments: testcases/OLD-T3/attachments answered 403: not here"
    ]
    assert details["OLD-T4"]["script"] is None
    # each file once, though its case was read twice
    assert account.asked.count("testcases/OLD-T1/attachments/4") == 1
    strays = {(row["path"], row["id"]): row["row"] for row, _ in workdir.walk("strays")}
    assert strays["statuses", 99]["name"] == "Archived"
    assert strays["priorities", 21] is None


async def test_a_source_that_goes_in_a_circle_or_has_no_such_project_is_said() -> None:
    api = client(lambda _: httpx.Response(200, json={"values": [{"id": 1}], "nextStartAtId": 5}))
    with pytest.raises(ApiError, match="in a circle at 5"):
        async for _ in cursor_pages(api, "testcases", {}):
            pass
