"""HTTP in: one module per resource."""
