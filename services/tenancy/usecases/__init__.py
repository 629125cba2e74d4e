"""What tenancy does, and the ports it needs."""
