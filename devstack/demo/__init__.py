"""What `make run` shows: a site installs the app, results go up, and come back readable."""
