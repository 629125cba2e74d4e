"""Repositories: one module per resource."""
