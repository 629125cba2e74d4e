"""One command holds the stack: it ends it at Ctrl-C, on failure, and when it dies itself."""

import signal
from collections.abc import Callable
from types import FrameType

from devstack.embedded.errors import StackError
from devstack.embedded.guard import Guard
from devstack.embedded.process import pause
from devstack.progress import Progress
from devstack.settings import StackSettings
from devstack.stack import Stack

Then = Callable[[StackSettings, Progress], None]

_WATCH_SECONDS = 0.5
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def interruptible() -> None:
    """Let SIGTERM and a closed terminal end this command like Ctrl-C does."""
    for number in _ENDING:
        signal.signal(number, _interrupt)


def hold(stack: Stack, then: Then, *, stay: bool) -> None:
    """Bring the stack up and run ``then`` on it; leave it running only if that worked.

    With ``stay`` return after Ctrl-C, with the stack ended. When another command holds the stack
    it stays that one's: what is missing is started, ``then`` runs, and that is all.
    """
    if stack.roster.owner() is not None:
        stack.progress.say("the stack is held by another `make run`; the demo runs again on it")
        _work(stack, then)
        stack.roster.leave_running()
        return
    keep = False
    with stack.roster.owned(), Guard() as guard:
        stack.roster.guarded_by(guard)
        try:
            _work(stack, then)
            stack.progress.say(f"up after {stack.progress.seconds():.1f} s")
            if stay:
                _watch(stack)
            keep = not stay
        finally:
            if keep:
                stack.roster.leave_running()
            else:
                _end(stack)


def _work(stack: Stack, then: Then) -> None:
    with stack.roster.at_work():
        stack.up()
        then(stack.settings, stack.progress)


def _watch(stack: Stack) -> None:
    """Say which processes end; return at Ctrl-C, raise when nothing runs any more."""
    logs = {process.name: process.log for process in stack.roster.running()}
    try:
        stack.progress.console.print("Ctrl-C ends the stack.")
        while logs:
            pause(_WATCH_SECONDS)
            now = {process.name: process.log for process in stack.roster.running()}
            for name in logs.keys() - now.keys():
                stack.progress.say(f"{name} has ended; its log is {logs[name]}")
            logs = now
    except KeyboardInterrupt:
        return
    raise StackError("nothing of the stack runs any more")


def _end(stack: Stack) -> None:
    for number in _ENDING:  # a second Ctrl-C must not leave half of it
        signal.signal(number, signal.SIG_IGN)
    with stack.progress.step("stop") as notes:
        notes.append(f"{stack.down()} processes ended")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
