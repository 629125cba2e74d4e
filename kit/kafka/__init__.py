"""Kafka: names, producer, batch consumer, dead letters, topic creation."""
