"""``POST /v2/testexecutions`` by 32 clients, against a bare handler that inserts one document.

One project, some cycles, some hundred cases of three steps. Both servers are asked directly, by
the same clients with the same requests, one after the other in pairs. Rates swing with whatever
else the machine does; processor time per request does not, so it is told, too.
"""

import contextlib
import json
import secrets
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bson
import httpx
from pymongo import DESCENDING, MongoClient

from bench.processes import cpu_seconds
from bench.report import Figure, spread
from bench.stack import Stack
from bench.upload import client

CLIENTS, SECONDS, PAIRS = 32, 3.0, 7
CASES, STEPS, CYCLES = 300, 3, 10
_DATABASE = f"bench_create_{secrets.token_hex(4)}"
_STATUSES = ("Pass", "Fail", "Pass", "Blocked", "Pass", "In Progress")


@dataclass
class _Side:
    """One of the two servers: its rates, and the processor time of one request by process."""

    port: int
    pids: Mapping[str, int]
    rates: list[float] = field(default_factory=list)
    costs: dict[str, list[float]] = field(default_factory=dict)

    def measure(self, requests: Path, *, keep: bool) -> None:
        before = cpu_seconds(self.pids)
        rate = _rate(self.port, requests)
        after = cpu_seconds(self.pids)
        if keep:
            self.rates.append(rate)
            answered = rate * (SECONDS + 1)  # it was as fast while warming up
            for name, seconds in after.items():
                cost = (seconds - before[name]) / answered * 1e6
                self.costs.setdefault(name, []).append(cost)

    def cost(self, name: str) -> float:
        return statistics.median(self.costs[name])


def measure(running: Stack) -> list[Figure]:
    """Alternating pairs; the first one warms both sides."""
    requests = running.folder / "create.json"
    with client(running) as http:
        requests.write_text(json.dumps(_requests(http, running.demo)))
    port = int(running.environment["OSTRO_PORT_EXECUTIONS"])
    ours = _Side(port, running.pids)
    _rate(port, requests, seconds=1)  # there is an execution to copy
    with _bare(running) as bare:
        for number in range(PAIRS + 1):
            bare.measure(requests, keep=number > 0)
            ours.measure(requests, keep=number > 0)
    return _figures(ours, bare)


def _figures(ours: _Side, bare: _Side) -> list[Figure]:
    pairs = [o / b for o, b in zip(ours.rates, bare.rates, strict=True)]
    name = f"POST /v2/testexecutions, {CLIENTS} clients"
    figures = [
        Figure(
            name,
            statistics.median(ours.rates),
            "executions/s",
            statistics.median(pairs),
            "bare insert_one",
            spread(ours.rates),
        ),
        Figure(
            "bare insert_one",
            statistics.median(bare.rates),
            "documents/s",
            None,
            None,
            spread(bare.rates),
        ),
    ]
    whole = {side: sum(map(side_.cost, side_.costs)) for side, side_ in (("o", ours), ("b", bare))}
    figures.append(
        Figure("processor time, all processes", whole["o"], "µs", whole["b"] / whole["o"], "bare")
    )
    for title, side in (("ours", ours), ("bare", bare)):
        figures += [
            Figure(f"processor time of one, {title}: {process}", side.cost(process), "µs")
            for process in side.costs
            if side.cost(process) >= 1
        ]
    return figures


def _requests(http: httpx.Client, demo: Mapping[str, str]) -> list[str]:
    project = demo["PROJECT_KEY"]
    cycles = [
        _made(http, "/testcycles", {"projectKey": project, "name": f"Nightly {n}"})
        for n in range(CYCLES)
    ]
    requests = []
    for number in range(CASES):
        case = _made(http, "/testcases", {"projectKey": project, "name": f"Checkout case {number}"})
        _made(http, f"/testcases/{case}/teststeps", {"mode": "OVERWRITE", "items": _steps(number)})
        body = {
            "projectKey": project,
            "testCaseKey": case,
            "testCycleKey": cycles[number % CYCLES],
            "statusName": _STATUSES[number % len(_STATUSES)],
            "actualEndDate": f"2026-03-{number % 28 + 1:02}T10:15:30Z",
            "executionTime": 1_200 + number,
            "comment": f"Build 4711, shard {number % 8}: finished on the second attempt.",
        }
        requests.append(_request(demo["TOKEN"], json.dumps(body)))
    return requests


def _steps(number: int) -> list[dict[str, Any]]:
    return [
        {
            "inline": {
                "description": f"Put article {number} into the basket, as customer {step}",
                "testData": f"article {number * 17 + step}, quantity {step + 1}",
                "expectedResult": "The basket shows the article, its price and the sum",
            }
        }
        for step in range(STEPS)
    ]


def _made(http: httpx.Client, path: str, body: Mapping[str, Any]) -> str:
    answer = http.post(path, json=body).raise_for_status().json()
    return str(answer.get("key") or answer.get("id"))


def _request(token: str, body: str) -> str:
    lines = [
        "POST /v2/testexecutions HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {token}",
        "Accept: application/json",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join([*lines, "", body])


def _rate(port: int, requests: Path, seconds: float = SECONDS) -> float:
    clients = [sys.executable, "-m", "bench.baselines.create_clients"]
    done = subprocess.run(
        [*clients, str(port), str(CLIENTS), str(seconds), str(requests)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return float(done.stdout)


@contextlib.contextmanager
def _bare(running: Stack) -> Iterator[_Side]:
    """Serve the bare handler; it inserts what the service stored last."""
    uri, port, file = running.demo["MONGODB_URI"], _free_port(), running.folder / "execution.bson"
    with MongoClient[dict[str, Any]](uri) as mongo:
        executions = mongo["ostro_executions"]["test_executions"]
        stored = executions.find_one({"steps": {"$exists": True}}, sort=[("_id", DESCENDING)])
        assert stored is not None
        file.write_bytes(bson.encode(stored))
        server = [sys.executable, "-m", "bench.baselines.create_server"]
        process = subprocess.Popen([*server, str(port), uri, _DATABASE, str(file)])
        try:
            _until_up(port)
            shared = {n: p for n, p in running.pids.items() if n == "mongod"}
            yield _Side(port, {"handler": process.pid, **shared})
        finally:
            process.terminate()
            process.wait(30)
            mongo.drop_database(_DATABASE)


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
