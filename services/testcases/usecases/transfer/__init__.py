"""Export and import of a project's library."""
