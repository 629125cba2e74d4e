"""Patches that break one rule each, and what proves that a named test notices: ``make mutants``."""
