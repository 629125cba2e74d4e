"""Collections of the tenancy database."""
