"""Entry point of ``python -m devstack``."""

from devstack.run import app

app()
