"""Entry point of ``python -m tools.zephyr``."""

from tools.zephyr.cli import cli

cli(prog_name="python -m tools.zephyr")
