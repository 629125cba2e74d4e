"""Kafka out, MongoDB, processors, sealing of keys."""
