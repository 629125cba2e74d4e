"""``keys rewrap``, killed with -9 at the n-th document: ``python -m tests.faults.killed_rewrap``.

Arguments: ``before`` or ``after`` storing, and n. Nothing else differs from the admin command.
"""

import functools
import os
import signal
import sys
from typing import Any

from services.tenancy.__main__ import cli
from services.tenancy.adapters.mongo.sealed_secrets import MongoSealedSecrets


def arm(when: str, number: int) -> None:
    """Make the process die there."""
    real, calls = MongoSealedSecrets.store, 0

    @functools.wraps(real)
    async def deadly(*args: Any) -> None:
        nonlocal calls
        calls += 1
        mine = calls
        if mine >= number and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        await real(*args)
        if mine >= number:
            os.kill(os.getpid(), signal.SIGKILL)

    setattr(MongoSealedSecrets, "store", deadly)  # noqa: B010  mypy knows better otherwise


if __name__ == "__main__":
    arm(sys.argv[1], int(sys.argv[2]))
    sys.argv[1:] = ["admin", "keys", "rewrap"]
    cli()
