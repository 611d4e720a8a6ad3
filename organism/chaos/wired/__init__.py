"""Faults on the wire, by the ids of the catalogue: between the body and its venue, and between alerts and a person."""
