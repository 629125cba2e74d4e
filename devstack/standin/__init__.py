"""What the stand-ins of the outside world have in common: a clock, bounded journals, listeners."""
