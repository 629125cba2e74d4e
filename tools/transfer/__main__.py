"""Entry point of ``python -m tools.transfer``."""

from tools.transfer.cli import cli

cli(prog_name="python -m tools.transfer")
