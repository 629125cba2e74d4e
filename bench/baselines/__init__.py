"""What plain Motor and plain aiokafka can do here; run as scripts, no import of our own code."""
