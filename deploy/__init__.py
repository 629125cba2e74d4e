"""What makes docker-compose.yml run: image, edge, Kafka and MongoDB set-up, secrets."""
