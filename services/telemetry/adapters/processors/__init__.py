"""Processors by raw HTTP: one module each, with its limits and its table of answers."""
