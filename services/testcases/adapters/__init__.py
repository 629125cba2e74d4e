"""MongoDB and Kafka out: they implement the ports of the use cases."""
