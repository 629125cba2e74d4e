"""Step 3: compares source and target, both by their API."""
