"""A 10,000-case JUnit upload until all are readable, against plain insert_many."""

import subprocess
import sys
import time
from pathlib import Path

import httpx

from bench import files, processes
from bench.report import Figure, spread
from bench.stack import Stack

CASES = 10_000
PAIRS = 5


def measure(running: Stack) -> list[Figure]:
    """Five alternating pairs; the cases exist before the first."""
    path = files.junit(running.folder / "bench.xml", CASES)
    with client(running) as http:
        upload(http, running, path, create=True)  # makes the cases, warms both sides
        _baseline(running, 0)
        ours: list[float] = []
        plain: list[float] = []
        cpu: dict[str, float] = dict.fromkeys(running.pids, 0.0)
        processes.reset_peaks(running.service_pids)
        for number in range(1, PAIRS + 1):
            plain.append(_baseline(running, number))
            before = processes.cpu_seconds(running.pids)
            ours.append(upload(http, running, path))
            after = processes.cpu_seconds(running.pids)
            for name in cpu:
                cpu[name] += (after[name] - before[name]) / PAIRS
        peaks = processes.peak_megabytes(running.service_pids)
    ratios = sorted(p / o for p, o in zip(plain, ours, strict=True))
    median = sorted(ours)[PAIRS // 2]
    figures = [
        Figure(
            "upload of 10,000 cases until readable",
            CASES / median,
            "results/s",
            ratios[PAIRS // 2],
            "insert_many",
            spread(ours),
        ),
        Figure(
            "insert_many of 10,000 documents",
            CASES / sorted(plain)[PAIRS // 2],
            "documents/s",
            spread=spread(plain),
        ),
        Figure("processor time per result, all processes", sum(cpu.values()) / CASES * 1e6, "µs"),
    ]
    figures += [
        Figure(f"processor time per result, {name}", seconds / CASES * 1e6, "µs")
        for name, seconds in cpu.items()
        if seconds / CASES > 1e-6
    ]
    figures += [
        Figure(f"peak memory of {name}, 10,000 results", mb, "MB") for name, mb in peaks.items()
    ]
    return figures


def memory(running: Stack, cases: int = 100_000) -> list[Figure]:
    """Peak memory while 100,000 results arrive as a zip (the caps are raised in ``__main__``)."""
    small = files.zipped(files.junit(running.folder / "small.xml", CASES))
    large = files.zipped(files.junit(running.folder / "large.xml", cases))
    with client(running) as http:
        upload(http, running, large, create=True)
        peaks = []
        for path in (small, large):
            processes.reset_peaks(running.service_pids)
            upload(http, running, path)
            peaks.append(processes.peak_megabytes(running.service_pids))
    return [
        Figure(f"peak memory of {name}, {cases:,} results", mb, "MB", mb / peaks[0][name], "10,000")
        for name, mb in peaks[1].items()
    ]


def client(running: Stack) -> httpx.Client:
    """Return a client of the edge."""
    return httpx.Client(
        base_url=running.demo["BASE_URL"],
        headers={"authorization": f"Bearer {running.demo['TOKEN']}"},
        timeout=120,
        trust_env=False,
    )


def upload(http: httpx.Client, running: Stack, path: Path, *, create: bool = False) -> float:
    """Upload and return the seconds until every result can be read."""
    params = {"projectKey": running.demo["PROJECT_KEY"], "autoCreateTestCases": str(create).lower()}
    started = time.perf_counter()
    with path.open("rb") as file:
        answer = http.post(
            "/automations/executions/junit", params=params, files={"file": (path.name, file)}
        )
    answer.raise_for_status()
    key = answer.json()["testCycle"]["key"]
    expected = None
    while expected is None or expected["total"] < _cases_in(path):
        expected = (
            http.get("/testexecutions", params={"testCycle": key, "maxResults": 1})
            .raise_for_status()
            .json()
        )
        if time.perf_counter() - started > 300:
            raise SystemExit(f"only {expected['total']} results became readable")
    return time.perf_counter() - started


def _cases_in(path: Path) -> int:
    return 100_000 if path.name.startswith("large") else CASES


def _baseline(running: Stack, number: int) -> float:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "bench.baselines.insert_many",
            running.demo["MONGODB_URI"],
            "bench_baseline",
            f"u{number}",
            str(CASES),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)
