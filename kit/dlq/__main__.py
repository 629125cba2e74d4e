"""Entry point of ``python -m kit.dlq``."""

from kit.dlq.cli import cli

cli(prog_name="python -m kit.dlq")
