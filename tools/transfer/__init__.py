"""``python -m tools.transfer``: a project as a file, and back. It speaks the public API alone."""
