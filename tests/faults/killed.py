"""executions, killed with -9 at one step: ``python -m tests.faults.killed POINT ROLE``.

POINT is ``module:Class.method:before|after``; the process dies when it gets there, as if the power
had failed. Nothing else differs from ``python -m services.executions``.
"""

import functools
import importlib
import os
import signal
import sys
from typing import Any

from kit.service import Role, run
from services.executions.main import INDEXES, SERVICE, build
from services.executions.settings import ExecutionsSettings


def arm(point: str) -> None:
    """Make the process die at the point."""
    module_name, qualified, when = point.split(":")
    class_name, method_name = qualified.split(".")
    owner = getattr(importlib.import_module(module_name), class_name)
    real = getattr(owner, method_name)

    @functools.wraps(real)
    async def deadly(*args: Any, **kwargs: Any) -> Any:
        if when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = await real(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, method_name, deadly)


if __name__ == "__main__":
    arm(sys.argv[1])
    run(SERVICE, ExecutionsSettings, build, INDEXES)(Role(sys.argv[2]))
