"""One module per kind of inbound credential. A route uses exactly one; none tries another kind."""
