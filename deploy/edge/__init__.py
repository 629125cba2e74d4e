"""The compose edge: the Caddyfile and what renders it."""
