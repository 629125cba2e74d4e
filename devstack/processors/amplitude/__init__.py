"""Amplitude: HTTP V2 and the batch endpoint (facts.md 1), one module per concern."""
