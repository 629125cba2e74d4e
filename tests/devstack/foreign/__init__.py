"""Programs by other hands that have to get along with the stand-ins."""
