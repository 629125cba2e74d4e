"""Export and import of a project's plans, cycles and executions."""
