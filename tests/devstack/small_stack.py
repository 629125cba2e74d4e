"""A stack of two small processes, for tests: ``python -m tests.devstack.small_stack FOLDER``.

Words after the folder change it: ``stay``, ``fail-demo``, ``crash`` (the second process dies).
"""

import sys
from pathlib import Path

from devstack.components import Component, Say
from devstack.embedded.errors import StackError
from devstack.embedded.process import Process, Started, spawn
from devstack.hold import hold, interruptible
from devstack.progress import Progress
from devstack.roster import Roster
from devstack.settings import StackSettings
from devstack.stack import Plan, Stack

SLEEP = "import time; print('up', flush=True); time.sleep(600)"
_CRASH = "raise SystemExit('wrong setting: OSTRO_COLOUR')"


def component(
    folder: Path, name: str, *, code: str = SLEEP, ports: tuple[str, ...] = ()
) -> Component:
    """A process that is ready once it has said so."""

    def start(started: Started, _say: Say) -> Process:
        command = [sys.executable, "-I", "-S", "-c", code]
        process = spawn(name, command, log=folder / f"{name}.log")
        started(process)
        process.await_ready(lambda: process.tail() == "up", timeout=20)
        return process

    return Component(name, "nowhere", ports, start, lambda: True, code)


def small_stack(folder: Path, *, code: str = SLEEP, ports: tuple[str, ...] = ()) -> Stack:
    """``below`` in the place of the brokers, ``above`` in that of the services."""
    settings = StackSettings(data=folder)
    plan = Plan(
        [component(folder, "below")],
        lambda _progress: None,
        [component(folder, "above", code=code, ports=ports)],
    )
    return Stack(settings, Roster(folder), Progress(), plan)


def main(folder: Path, words: set[str]) -> None:
    """Hold the small stack as `make run` holds the whole one."""

    def demo(_settings: StackSettings, progress: Progress) -> None:
        if "fail-demo" in words:
            raise StackError("the demo failed")
        progress.say("the demo ran")

    interruptible()
    stack = small_stack(folder, code=_CRASH if "crash" in words else SLEEP)
    try:
        hold(stack, demo, stay="stay" in words)
    except StackError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(Path(sys.argv[1]), set(sys.argv[2:]))
