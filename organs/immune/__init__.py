"""Immune: risk control. Approves, shrinks or refuses each order, and decides what may be traded at all."""
