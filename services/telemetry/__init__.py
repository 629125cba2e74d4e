"""Telemetry: anonymises product events and delivers them to processors, with consent only."""
