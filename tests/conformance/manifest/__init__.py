"""Atlassian's own check of the Forge manifest, run with node."""
