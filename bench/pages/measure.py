"""What each kind of page costs in the two projects."""

import asyncio
import contextlib
import http.client
import json
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bench.alone import PROJECT_KEY, Tenant, tenants
from bench.pages.filling import BEGAN, BETWEEN_CYCLES, PER_CASE, PER_CYCLE, ended, fill, version
from bench.report import Figure
from contracts.ids import Kind, project_range
from devstack.embedded.mongod import embedded_mongod
from kit.clock import vendor_time
from kit.mongo import connect, ensure_indexes
from services.executions.main import INDEXES

SIZES = (10_000, 1_000_000)
PAGE, ROUNDS = 100, 100
_CACHE_GB = 0.5
"""As deploy/ has it: a million executions (319 MB, 88 MB of indexes) fit. In the 0.25 GB of the
tests they do not, and a page of one case, whose runs lie far apart, waits for up to 35 reads."""
_DATABASE = "pages"
_READY_SECONDS = 300.0

Params = Mapping[str, Any]
Ask = Callable[[int, random.Random], tuple[str, Params]]
"""The path and parameters of one request in a project of so many executions."""


def measure(sizes: tuple[int, int] = SIZES) -> list[Figure]:
    """Measure everything."""
    with tempfile.TemporaryDirectory(prefix="ostro-pages-") as folder:
        place = Path(folder)
        with embedded_mongod(place / "mongod", cache_gb=_CACHE_GB) as uri:
            made = asyncio.run(_filled(uri, sizes))
            (place / "spool").mkdir()
            ours, bare = _free_port(), _free_port()
            first, end = (str(i) for i in project_range(made[1].project))
            with (
                _process("pages.serving", str(ours), uri, _DATABASE, folder),
                _process(
                    "baselines.page_server", str(bare), uri, _DATABASE, made[1].name, first, end
                ),
            ):
                sites = [Site(ours, tenant, size) for tenant, size in zip(made, sizes, strict=True)]
                return [*_against_bare(sites[1], bare), *_growth(sites), *_large(sites[1])]


class Site:
    """One project."""

    def __init__(self, port: int, tenant: Tenant, size: int) -> None:
        self.size = size
        self._chance = random.Random(size)
        self._headers = tenant.headers
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_READY_SECONDS)
        _until_up(port)
        for filters in ({}, {"onlyLastExecutions": "true"}):
            # the first reader finds no summaries and asks for them
            self.until_fast(filters)
        self._know_all()

    def until_fast(self, filters: Params) -> None:
        """Wait until a total takes no look at documents."""
        deadline = time.monotonic() + _READY_SECONDS
        far = {"projectKey": PROJECT_KEY, "startAt": self.size - 1, "maxResults": 1, **filters}
        while self.seconds("testexecutions", far) > 0.1:
            if time.monotonic() > deadline:
                raise SystemExit("the summaries were not made")
            time.sleep(1)

    def _know_all(self) -> None:
        """Walk by each date once: a process reads the details of a segment when first asked.

        That costs one more read, of a summary; the smaller project has three of them.
        """
        for cycle in range(self.size // PER_CYCLE):
            moment = {"actualEndDateAfter": vendor_time(ended(cycle))}
            self.seconds(
                "testexecutions/nextgen", {"projectKey": PROJECT_KEY, "limit": 1, **moment}
            )

    def ask(self, kind: Ask) -> float:
        """Ask for one page of a kind; return the seconds."""
        path, params = kind(self.size, self._chance)
        return self.seconds(path, params)

    def seconds(self, path: str, params: Params) -> float:
        """Return how long an answer takes."""
        return _seconds(self._connection, f"/v2/{path}?{urlencode(params)}", self._headers)


def _against_bare(site: Site, port: int) -> list[Figure]:
    _until_up(port)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    params = {"projectKey": PROJECT_KEY, "maxResults": PAGE}
    ours, bare = [], []
    for number in range(3 * ROUNDS):
        pair = (
            _seconds(connection, f"/?skip=0&limit={PAGE}", {}),
            site.seconds("testexecutions", params),
        )
        if number >= ROUNDS:  # warms both sides
            bare.append(pair[0])
            ours.append(pair[1])
    middle, plain = statistics.median(ours), statistics.median(bare)
    return [
        Figure(f"page of {PAGE} executions, p50", middle * 1e3, "ms", middle / plain, "bare find"),
        Figure(f"bare find of {PAGE} documents, p50", plain * 1e3, "ms"),
    ]


def _growth(sites: list[Site]) -> list[Figure]:
    figures = []
    for name, kind in _KINDS.items():
        times: list[list[float]] = [[], []]
        for _ in range(ROUNDS):
            for site, found in zip(sites, times, strict=True):
                found.append(site.ask(kind))
        small, large = (_p95(t) for t in times)
        against = f"{sites[0].size:,} executions"
        figures.append(Figure(f"{name}, p95", large * 1e3, "ms", large / small, against))
    return figures


def _large(site: Site) -> list[Figure]:
    figures = []
    for name, kind in _LARGE.items():
        times = [site.ask(kind) for _ in range(ROUNDS)]
        figures.append(Figure(f"{name}, {site.size:,} executions, p95", _p95(times) * 1e3, "ms"))
    return figures


def _list(**more: Callable[[int, random.Random], Any]) -> Ask:
    return _asked("testexecutions", "maxResults", more)


def _walk(what: str = "testexecutions", **more: Callable[[int, random.Random], Any]) -> Ask:
    return _asked(f"{what}/nextgen", "limit", more)


def _asked(path: str, size: str, more: Mapping[str, Callable[[int, random.Random], Any]]) -> Ask:
    def ask(count: int, chance: random.Random) -> tuple[str, Params]:
        filters = {name: value(count, chance) for name, value in more.items()}
        return path, {"projectKey": PROJECT_KEY, size: PAGE, **filters}

    return ask


def _a_cycle(count: int, chance: random.Random) -> str:
    return f"{PROJECT_KEY}-{Kind.TEST_CYCLE}{chance.randrange(1, count // PER_CYCLE + 1)}"


def _a_case(count: int, chance: random.Random) -> str:
    return f"{PROJECT_KEY}-{Kind.TEST_CASE}{chance.randrange(1, count // PER_CASE + 1)}"


def _a_version(count: int, chance: random.Random) -> int:
    found = None
    while found is None:
        found = version(chance.randrange(1, count // PER_CYCLE + 1))
    return found


def _a_moment(count: int, chance: random.Random) -> str:
    return vendor_time(ended(0) + chance.random() * (count // PER_CYCLE) * BETWEEN_CYCLES)


def _lately(count: int, chance: random.Random) -> str:
    return vendor_time(BEGAN + (count // PER_CYCLE - chance.randrange(1, 10)) * BETWEEN_CYCLES)


def _deep(count: int, chance: random.Random) -> int:
    return chance.randrange(count)


def _yes(_count: int, _chance: random.Random) -> str:
    return "true"


_KINDS = {
    "list by project": _list(),
    "list by cycle": _list(testCycle=_a_cycle),
    "list by case": _list(testCase=_a_case),
    "walk of a project": _walk(),
    "walk of a cycle": _walk(testCycle=_a_cycle),
    "walk of a case": _walk(testCase=_a_case),
    "walk of a version": _walk(jiraProjectVersionId=_a_version),
    "walk of what changed at any time": _walk(updatedAfter=_a_moment),
    "walk of what changed lately": _walk(updatedAfter=_lately),
    "walk by date": _walk(actualEndDateAfter=_a_moment),
    "walk of the last runs": _walk(onlyLastExecutions=_yes),
    "walk of cycles": _walk("testcycles"),
    "walk of plans": _walk("testplans"),
}
_LARGE = {
    "deep startAt": _list(startAt=_deep),
    "total by date": _list(actualEndDateAfter=_a_moment),
    "total between dates": _list(actualEndDateAfter=_a_moment, actualEndDateBefore=_a_moment),
    "total by version": _list(jiraProjectVersionId=_a_version),
    "last runs": _list(onlyLastExecutions=_yes),
    "last runs, deep startAt": _list(onlyLastExecutions=_yes, startAt=_deep),
    "last runs of a version by date": _list(
        onlyLastExecutions=_yes, jiraProjectVersionId=_a_version, actualEndDateAfter=_a_moment
    ),
}


async def _filled(uri: str, sizes: tuple[int, int]) -> list[Tenant]:
    async with connect(uri, _DATABASE) as database:
        made = await tenants(database, len(sizes))
        for tenant, size in zip(made, sizes, strict=True):
            print(f"storing {size:,} executions ...", flush=True)
            await fill(database, tenant, size)
        # building them afterwards takes a fraction of the time
        await ensure_indexes(database, INDEXES)
        return made


def _seconds(connection: http.client.HTTPConnection, url: str, headers: Mapping[str, str]) -> float:
    started = time.perf_counter()
    connection.request("GET", url, headers=dict(headers))
    answer = connection.getresponse()
    body = answer.read()
    seconds = time.perf_counter() - started
    if answer.status != 200 or not body.startswith(b"{"):
        raise SystemExit(f"{url}: {answer.status} {body[:200]!r}")
    return seconds


def _p95(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.95)]


@contextlib.contextmanager
def _process(module: str, *arguments: str) -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-m", f"bench.{module}", *arguments])
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def _until_up(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if time.monotonic() > deadline:
            raise SystemExit(f"nothing listens on {port}")
        time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


if __name__ == "__main__":
    from bench.report import publish

    publish(measure(tuple(json.loads(sys.argv[1])) if len(sys.argv) > 1 else SIZES))
