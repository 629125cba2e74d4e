"""Kafka in: one module per topic."""
