"""Pure rules and models of tenancy."""
