"""Calls to Jira and to its key servers."""
