"""Reproduction: evolution. For now it keeps the founders' records and funds them; breeding comes later."""
