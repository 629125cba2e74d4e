"""Who is calling: API tokens of people and clients, service tokens between services."""
