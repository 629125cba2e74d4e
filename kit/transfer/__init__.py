"""Export and import of a project: the archive (docs/export-format.md), and what moves it."""
