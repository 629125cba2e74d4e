"""Renders the documents that follow from the code: ``python -m tools.docs``."""
