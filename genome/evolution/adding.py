"""Adding up what genomes made on several markets, day by day."""

from genome.jit import kernel
from genome.market import F64, I64

# The cache of this kernel need not go stale with this folder: it calls nothing of other files.


@kernel
def add(daily: F64, places: I64, returns: F64, closed: F64) -> None:
    """Add a market's daily returns, and its trades closed until the end of each day of all.

    daily    float64 (n, 2, d) of the market: returns; trades closed until a day's end, 0 for a day that was passed over
    places   int64 (d,): which of all days those are
    returns, closed   float64 (n, D), added to
    """
    n_days = returns.shape[1]
    for g in range(daily.shape[0]):
        so_far, at = 0.0, 0
        for i in range(places.size):
            day = places[i]
            while at < day:
                closed[g, at] += so_far
                at += 1
            returns[g, day] += daily[g, 0, i]
            so_far = max(so_far, daily[g, 1, i])
        while at < n_days:
            closed[g, at] += so_far
            at += 1
