"""Delivery of alerts, in a process of its own: the only holder of channel addresses, the only importer of apprise.

What is to be sent are rows of the journal (and the guardian's last words); what was sent is `deliveries.db`.
At least once: an alert is delivered again only if this process died between sending and noting it.
"""
