"""Published clients, unchanged, against the whole stack."""
