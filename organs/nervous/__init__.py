"""Nervous: market data. Feeds, and whether what they say can be believed."""
