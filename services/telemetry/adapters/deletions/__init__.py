"""Deletion at the processors, one module each; all implement ``usecases.erasing.Deleting``."""
