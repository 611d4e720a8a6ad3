"""Tuning: the numbers of one family, searched over bounds, and walked forward through time. The trees stay as they are."""
