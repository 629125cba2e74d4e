"""Tools of the developer; no service imports them."""
