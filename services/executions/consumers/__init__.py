"""Kafka in: one module per topic or group of state topics."""
