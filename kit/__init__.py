"""The chassis each service stands on: MongoDB, Kafka, outbox, HTTP, auth, observability."""
