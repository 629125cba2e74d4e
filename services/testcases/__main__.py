"""``python -m services.testcases [--role api|consumer|relay|all]``."""

import typer

from kit.service import run
from services.testcases.main import INDEXES, SERVICE, build
from services.testcases.settings import TestcasesSettings

if __name__ == "__main__":
    typer.run(run(SERVICE, TestcasesSettings, build, INDEXES))
