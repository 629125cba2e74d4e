"""The embedded outbox: pending events live in the document whose write they belong to."""
