"""I11, deterministic: the same seed and inputs give the same journal, hash for hash.

No single event can show this: a driver lives the same life twice and hands both journals over.
"""

from collections.abc import Iterable
from itertools import zip_longest

from organism.invariants.breach import NONE, Breach, Breaches
from organism.journal.rows import Row

ID = "I11"


def compare(first: Iterable[Row], second: Iterable[Row]) -> Breaches:
    """The first row in which two lives differ, if any. Costs one comparison of digests a row."""
    for number, (one, other) in enumerate(zip_longest(first, second), start=1):
        if one is None or other is None:
            text = f"two lives of one seed must have the same rows; one of them ends before row {number}."
            return (Breach(invariant=ID, text=text, seq=number),)
        if one.digest != other.digest:
            what = next((n for n in Row.__struct_fields__ if getattr(one, n) != getattr(other, n)), "digest")
            text = (
                f"two lives of one seed must have the same rows; row {number} differs in {what}: a step of "
                f"{one.organ} on {one.input_id}, and one of {other.organ} on {other.input_id}."
            )
            return (Breach(invariant=ID, text=text, seq=number, subject=one.organ),)
    return NONE
