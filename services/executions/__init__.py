"""Test cycles, test executions and automation results."""
