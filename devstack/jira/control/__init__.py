"""The tests' and the demo's handle on the stand-in: everything below `/control`."""
