"""Who decides flags, and where decisions go."""
