"""HTTP in, one module per resource of the public API."""
