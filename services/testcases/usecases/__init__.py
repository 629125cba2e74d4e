"""What the service does, one module per capability, with the ports it needs."""
