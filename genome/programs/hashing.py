"""Hashes of numbers, for tables that kernels look things up in."""

from genome.jit import inlined


@inlined
def hashed(a: int, b: int, c: int, d: int) -> int:
    """A hash of four numbers, not negative."""
    h = (a * 0x9E3779B1 + b) * 0x85EBCA6B + c
    h = (h ^ (h >> 29)) * 0x27D4EB2F165667C5 + d
    h = (h ^ (h >> 32)) * 0x165667B19E3779F9
    return (h ^ (h >> 29)) & 0x7FFFFFFFFFFFFFF
