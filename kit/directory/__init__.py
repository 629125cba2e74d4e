"""Each service's copy of what tenancy publishes, and what a caller may do by it."""
