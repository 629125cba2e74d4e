"""The dead letter commands: ``python -m kit.dlq list|show|replay|drop``."""
