"""Wilder's average, stepped so that a bar does not wait for the bar before it.

a[t] = (a[t − 1]·(n − 1) + x[t])/n is, with β = (n − 1)/n, also a[t] = β²·a[t − 2] + (β·x[t − 1] + x[t])/n: the same average
by a way that waits for its own value of two bars ago only, and multiplies instead of dividing. Source: Parhi and
Messerschmitt, "Pipeline interleaving and parallelism in recursive digital filters" (1989), look-ahead.
"""

from genome.jit import inlined


@inlined
def ahead(alpha: float, beta: float, older: float, last: float, new: float) -> float:
    """The average from the one of two bars ago, the value of the bar between and the one of this bar."""
    return (beta * beta) * older + alpha * (beta * last + new)


@inlined
def begun(n: float, count: float, average: float, new: float) -> float:
    """The first n values (`count` from 1): their sum, at n their mean; and the one after them, from the mean alone."""
    if count < n:
        return average + new
    if count == n:
        return (average + new) / n
    return (average * (n - 1.0) + new) / n
