"""Metabolism: capital. The ledger, position sizing and the orders that follow from both."""
