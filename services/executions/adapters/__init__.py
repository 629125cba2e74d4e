"""What stands behind the ports: MongoDB, Kafka out, the owner of test cases, spooled files."""
