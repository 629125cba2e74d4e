"""What goes wrong in the local stack, said so that a reader can act on it."""


class StackError(Exception):
    """The stack cannot do what it was asked; the message says why and what to change."""
