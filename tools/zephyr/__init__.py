"""Copies projects of a Zephyr Scale Cloud account into Ostro, by the public API alone.

``python -m tools.zephyr copy --help``; what cannot be copied: docs/migrate-from-zephyr.md.
"""
