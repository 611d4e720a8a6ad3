"""Hurting an organism on purpose, and counting what came of it."""
