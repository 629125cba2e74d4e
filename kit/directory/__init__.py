"""Each service's copy of what tenancy publishes: tenants, projects, signing keys, revocations."""
