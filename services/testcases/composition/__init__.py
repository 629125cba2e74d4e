"""Parts of the composition root, by topic."""
