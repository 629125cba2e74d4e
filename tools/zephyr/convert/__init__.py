"""Step 2: makes the archive of a project (docs/export-format.md) from what was read."""
