"""What crosses a service boundary, and nothing else: models, the topic registry, routes, data classes."""
