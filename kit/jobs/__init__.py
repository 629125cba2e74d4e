"""Durable jobs: what is left to do behind a change, in small steps, whoever dies meanwhile."""
