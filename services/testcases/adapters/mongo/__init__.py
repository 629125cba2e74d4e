"""Repositories: the tenant is first in every filter and index."""
