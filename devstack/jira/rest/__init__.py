"""What an app can call on a Jira site, one module per resource."""
