"""Processes: only the one we started is ended, and it is ended for certain."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devstack.embedded.errors import StackError
from devstack.embedded.guard import Guard, guarded_folder
from devstack.embedded.identity import Identity, identify
from devstack.embedded.process import Process, pause, spawn

SLEEPER = "import time; time.sleep(600)"
DEAF = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); " + SLEEPER
Start = Callable[[str], Process]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Process] = []

    def start_python(code: str) -> Process:
        command = [sys.executable, "-I", "-S", "-c", code]
        started.append(spawn("child", command, log=tmp_path / "child.log"))
        return started[-1]

    yield start_python
    for process in started:
        process.stop(0)


def wait_for(condition: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        pause()
    return condition()


def test_a_reused_pid_is_another_process(start: Start, tmp_path: Path) -> None:
    stranger = start(SLEEPER)
    stale = Process("kafka", Identity(stranger.pid, "an earlier start"), tmp_path / "log")
    assert not stale.running()
    stale.stop(0)
    assert stranger.running()


def test_a_zombie_does_not_run(start: Start) -> None:
    process = start("")
    assert wait_for(lambda: not process.running())
    assert identify(process.pid) is None


def test_an_orderly_process_ends_on_sigterm(start: Start) -> None:
    process = start(SLEEPER)
    process.stop(5)
    assert process.exit_code() == -15


def test_a_deaf_process_is_killed_after_its_grace(start: Start) -> None:
    process = start(DEAF)
    assert wait_for(lambda: "up" in process.tail())
    process.stop(0.2)
    assert process.exit_code() == -9


def test_children_of_a_process_end_with_it(start: Start) -> None:
    spawning = f"import subprocess, sys; c = subprocess.Popen([sys.executable, '-c', {SLEEPER!r}])"
    process = start(f"{spawning}; print(c.pid, flush=True); {SLEEPER}")
    assert wait_for(lambda: process.tail().strip().isdecimal())
    child = identify(int(process.tail()))
    assert child is not None
    process.stop(5)
    assert wait_for(lambda: not child.running())


def test_a_death_at_start_shows_the_end_of_the_log(start: Start) -> None:
    process = start("raise SystemExit('wrong setting: OSTRO_X')")
    with pytest.raises(StackError, match=r"(?s)ended at start \(exit 1\).*wrong setting: OSTRO_X"):
        process.await_ready(lambda: False, timeout=30)


def test_a_start_that_takes_too_long_is_said(start: Start) -> None:
    with pytest.raises(StackError, match="was not ready within 0 s"):
        start(SLEEPER).await_ready(lambda: False, timeout=0.05)


def test_the_last_runs_log_is_kept_beside(tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    for word in ("first", "second"):
        process = spawn("child", [sys.executable, "-I", "-S", "-c", f"print('{word}')"], log=log)
        assert wait_for(lambda: not process.running())  # noqa: B023  called before the next round
        process.stop()
    assert (log.read_text(), Path(f"{log}.1").read_text()) == ("second\n", "first\n")


def test_a_released_guard_ends_nothing(start: Start) -> None:
    process = start(SLEEPER)
    with Guard() as guard:
        guard.watch(process)
    assert process.running()


def test_a_starter_that_is_killed_leaves_neither_process_nor_folder(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    code = f"""
import sys, time
from pathlib import Path
from devstack.embedded.guard import guarded_folder
from devstack.embedded.process import spawn
folder = Path({str(folder)!r})
with guarded_folder(folder) as guard:
    child = spawn("child", [sys.executable, "-c", {SLEEPER!r}], log=folder / "log")
    guard.watch(child)
    print(child.pid, flush=True)
    time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None
        child = identify(int(starter.stdout.readline()))
        assert child is not None
        starter.kill()
        starter.wait()
        assert wait_for(lambda: not child.running() and not folder.exists())


def test_a_folder_with_something_in_it_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    with pytest.raises(StackError, match="is not empty"), guarded_folder(tmp_path):
        pass
    assert (tmp_path / "precious").exists()
