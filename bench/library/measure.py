"""What each kind of page costs in the two libraries."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from bench.alone import PROJECT_KEY, Tenant
from bench.library.filling import fill, last_update
from bench.library.house import House, house
from bench.report import Figure
from contracts.ids import public_id
from kit.clock import vendor_time

SIZES = (1_000, 100_000)
BATCHES, ROUNDS = 5, 60
"""The 95th percentile is that of each batch, and of those the median: a pause of the machine meets
one batch."""
_WARM = 5
LIST, WALK, SEARCH = "/v2/testcases", "/v2/testcases/nextgen", "/ostro/v1/testcases/search"
FOLDERS = "/v2/folders"
Params = Callable[[Tenant, int, int], Mapping[str, Any]]
"""Of a tenant, the size of its library and the number of the round."""

PAGES: Mapping[str, tuple[str, Params]] = {
    "list": (LIST, lambda *_: {"maxResults": 50}),
    "list: a page in the middle": (
        LIST,
        lambda _, n, r: {"maxResults": 50, "startAt": n // 2 + r},
    ),
    "list: the last page": (LIST, lambda _, n, __: {"maxResults": 50, "startAt": n - 50}),
    "folders": (FOLDERS, lambda *_: {"maxResults": 20}),
    "folders: the last page": (
        FOLDERS,
        lambda _, n, __: {"maxResults": 20, "startAt": n // 20 - 20},
    ),
    "folders of test cases": (FOLDERS, lambda *_: {"maxResults": 20, "folderType": "TEST_CASE"}),
    "list of a folder": (
        LIST,
        lambda t, n, r: {"maxResults": 20, "folderId": public_id(t.project, 1 + r % (n // 20))},
    ),
    "walk": (
        WALK,
        lambda t, n, r: {"limit": 50, "startAtId": public_id(t.project, 1 + r * 37 % (n - 60))},
    ),
    "walk of a folder": (
        WALK,
        lambda t, n, r: {"limit": 20, "folderId": public_id(t.project, 1 + r % (n // 20))},
    ),
    "walk of what changed": (
        WALK,
        lambda _, n, __: {"limit": 50, "updatedAfter": vendor_time(last_update(n - 60))},
    ),
    "search: a rare word": (SEARCH, lambda *_: {"text": "needle", "limit": 20}),
    "search: a word of all": (SEARCH, lambda *_: {"text": "checkout"}),
    "search: two words": (SEARCH, lambda *_: {"text": "checkout needle", "limit": 20}),
    "search: a word of all, by name": (SEARCH, lambda *_: {"name": "checkout", "sort": "name"}),
    "search: a rare word, by name": (SEARCH, lambda *_: {"name": "needle", "sort": "-name"}),
    "search: a rare beginning": (SEARCH, lambda *_: {"text": "need*", "limit": 20}),
    "search: a common beginning": (SEARCH, lambda *_: {"text": "check*"}),
    "search: Chinese": (SEARCH, lambda *_: {"text": "测试", "limit": 20}),
    "search: a key": (SEARCH, lambda *_: {"text": f"{PROJECT_KEY}-T77"}),
    "search: a rare label": (SEARCH, lambda *_: {"label": "nightly", "limit": 20}),
    "search: a label, no owner": (SEARCH, lambda *_: {"label": "smoke", "without": "owner"}),
    "search: status, newest first": (SEARCH, lambda *_: {"status": "Draft", "sort": "-updatedOn"}),
    "search: ten subfolders": (
        SEARCH,
        lambda t, n, r: {
            "folderId": public_id(t.project, n // 333 + r % 2),
            "includeSubfolders": "true",
        },
    ),
    "search: nothing but pages": (SEARCH, lambda *_: {}),
}


def measure() -> list[Figure]:
    """Fill both libraries and read them."""
    return asyncio.run(_measured())


async def _measured() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="ostro-bench-") as folder:
        async with house(Path(folder), len(SIZES)) as running:
            for tenant, size in zip(running.tenants, SIZES, strict=True):
                await fill(running.database, tenant, size)
            await running.index()
            await running.summed_up((LIST, FOLDERS))
            return [figure for name in PAGES for figure in await _page(running, name)]


async def _page(running: House, name: str) -> list[Figure]:
    for number in range(_WARM):  # plans are chosen
        await _batch(running, name, [number])
    batches = [await _batch(running, name, range(ROUNDS)) for _ in range(BATCHES)]
    figures = []
    for percent in (50, 95):
        small, large = (
            statistics.median(sorted(times[size])[ROUNDS * percent // 100] for times in batches)
            for size in range(len(SIZES))
        )
        title = f"{name}: p{percent} of {SIZES[1]:,} cases"
        figures.append(Figure(title, large * 1e3, "ms", large / small, f"{SIZES[0]:,}"))
    return figures


async def _batch(running: House, name: str, numbers: Iterable[int]) -> list[list[float]]:
    times: list[list[float]] = [[] for _ in SIZES]
    for number in numbers:
        for taken, tenant, size in zip(times, running.tenants, SIZES, strict=True):
            taken.append(await _seconds(running, tenant, name, size, number))
    return times


async def _seconds(running: House, tenant: Tenant, name: str, size: int, number: int) -> float:
    path, params = PAGES[name]
    query = {"projectKey": PROJECT_KEY, **params(tenant, size, number)}
    started = time.perf_counter()
    answer = await running.http.get(path, params=query, headers=tenant.headers)
    taken = time.perf_counter() - started
    if answer.status_code != 200 or not answer.json()["values"]:
        raise SystemExit(f"{name}: {answer.status_code} {answer.text[:300]}")
    return taken
