"""Wiring of telemetry's parts, one module each; ``main`` puts the pieces together."""
