"""Jira installs and their secrets, projects, API tokens, audit."""
