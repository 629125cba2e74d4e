"""What crosses a service boundary, and nothing else: models, topics, routes, data classes."""
