"""Heritable strategies: founders, their records, and later the engine that breeds them. Knows no organ."""
