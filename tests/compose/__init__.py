"""The compose file and its parts: compared with the registries, and brought up for real."""
