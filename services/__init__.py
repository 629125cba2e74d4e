"""The four services. None imports another; each is started with ``python -m services.<name>``."""
