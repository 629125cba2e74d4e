"""``python -m services.executions [--role api|consumer|relay|all]``."""

import typer

from kit.service import run
from services.executions.main import INDEXES, SERVICE, build
from services.executions.settings import ExecutionsSettings

if __name__ == "__main__":
    typer.run(run(SERVICE, ExecutionsSettings, build, INDEXES))
