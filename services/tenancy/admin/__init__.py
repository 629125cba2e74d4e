"""``python -m services.tenancy admin``: what an operator does on the server."""
