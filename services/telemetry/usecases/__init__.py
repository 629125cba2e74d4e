"""What telemetry does, and the ports it needs."""
