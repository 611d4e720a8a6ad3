"""Breeding beside the living body: on the history it has lived, within a share of a core, funding nothing."""
