"""Whether one bar can be believed. Refused bars are dropped and counted; doubtful ones are flagged and kept.

Nothing is ever repaired: a made-up price is worse than none.
"""

import math

from organism.market import Bar
from organs.nervous.state import Track

# No market trades at such prices, nor such volumes: arithmetic beyond would end in infinities.
LEAST_PRICE, MOST_PRICE, MOST_VOLUME = 1e-15, 1e15, 1e30
# A return this many times the usual absolute return is doubtful (about 12 σ if returns were normal) …
OUTLIER = 15.0
# … once the usual is known from this many bars, and only above a move worth mentioning.
OUTLIER_AFTER = 48
OUTLIER_LEAST = 0.01
# The scale follows returns with this weight, each clipped at _CLIP scales so that an outlier cannot hide the next.
_FOLLOW = 1 / 288
_CLIP = 4.0
_FIRST_SCALE = 0.001
# A market that stood still must not make its first tick an outlier.
_LEAST_SCALE = 1e-6


def refusal(bar: Bar, at_ns: int, bar_ns: int) -> str:
    """Why the bar cannot be believed at this instant, "" when it can.

    >>> bar = Bar("X/Y", 0, 300, 10.0, 11.0, 9.0, 10.5, 2.0)
    >>> refusal(bar, 300, 300)
    ''
    >>> refusal(Bar("X/Y", 0, 300, 10.0, 11.0, 9.0, float("nan"), 2.0), 300, 300)
    'not_a_number'
    """
    numbers = (bar.open, bar.high, bar.low, bar.close, bar.volume)
    if not all(map(math.isfinite, numbers)):
        return "not_a_number"
    if not min(numbers[:4]) > 0.0:
        return "zero_price" if min(numbers[:4]) == 0.0 else "negative_price"
    if bar.volume < 0.0:
        return "negative_volume"
    if not (min(numbers[:4]) > LEAST_PRICE and max(numbers[:4]) < MOST_PRICE and bar.volume < MOST_VOLUME):
        return "implausible"
    if not (bar.low <= bar.open <= bar.high and bar.low <= bar.close <= bar.high):
        return "high_low_order"
    if bar.close_ns > at_ns:
        return "future"
    if bar.close_ns < at_ns:
        return "stale"
    if bar.open_ns != at_ns - bar_ns:
        return "interval"
    return ""


def sane(bar: Bar, at_ns: int, bar_ns: int) -> bool:
    """Whether `refusal` would be empty: the same rules in the order that is fastest for a good bar.

    Comparisons are written so that NaN fails them; the upper bounds catch infinity.
    """
    high, low = bar.high, bar.low
    return (
        bar.close_ns == at_ns
        and bar.open_ns == at_ns - bar_ns
        and LEAST_PRICE < low <= bar.open <= high < MOST_PRICE
        and low <= bar.close <= high
        and 0.0 <= bar.volume < MOST_VOLUME
    )


def doubts(bar: Bar, track: Track) -> tuple[str, ...]:
    """What is odd about a believable bar, compared with the one before it."""
    last_ns, last_close, last_volume, scale, n = track
    found: tuple[str, ...] = ()
    if bar.open_ns != last_ns:
        found += ("gap",)
    elif bar.close == last_close and bar.volume == last_volume:
        found += ("repeated",)
    move = abs(math.log(bar.close / last_close))
    reach = math.log(bar.high / bar.low)
    if n >= OUTLIER_AFTER and max(move, reach) > max(OUTLIER * scale, OUTLIER_LEAST):
        found += ("outlier",)
    if bar.volume == 0.0:
        found += ("zero_volume",)
    return found


def tracked(bar: Bar, track: Track | None) -> Track:
    """Remember a believed bar."""
    if track is None:
        return (bar.close_ns, bar.close, bar.volume, _FIRST_SCALE, 0)
    _, last_close, _, scale, n = track
    move = abs(math.log(bar.close / last_close))
    scale += _FOLLOW * (min(move, _CLIP * scale) - scale)
    return (bar.close_ns, bar.close, bar.volume, max(scale, _LEAST_SCALE), n + 1)
