"""Judging by processes: they share the markets by memory-mapped files, may die at any moment, and change no number."""
