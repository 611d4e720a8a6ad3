"""Breeding: variation and selection of genomes."""
