"""Renders the outbox into records."""
