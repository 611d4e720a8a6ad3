"""Classes of the fear-and-greed index, as alternative.me names them.

The limits are those of its own history: of 2,795 days from 2018 to 2025, every one has the class said here.
"""

from enum import StrEnum
from typing import Final

from organism.errors import BadInput

_MOST: Final = 100.0


class Mood(StrEnum):
    """From the most fearful to the greediest."""

    EXTREME_FEAR = "Extreme Fear"
    FEAR = "Fear"
    NEUTRAL = "Neutral"
    GREED = "Greed"
    EXTREME_GREED = "Extreme Greed"


_UP_TO: Final = ((25.0, Mood.EXTREME_FEAR), (46.0, Mood.FEAR), (54.0, Mood.NEUTRAL), (75.0, Mood.GREED))


def mood(value: float) -> Mood:
    """The class of a value from 0 to 100. Raises `BadInput` for any other number.

    >>> [str(mood(v)) for v in (0, 25, 26, 50, 75, 76)]
    ['Extreme Fear', 'Extreme Fear', 'Fear', 'Neutral', 'Greed', 'Extreme Greed']
    """
    if not 0.0 <= value <= _MOST:
        raise BadInput(f"the index of fear and greed runs from 0 to 100; was {value:g}.")
    return next((name for most, name in _UP_TO if value <= most), Mood.EXTREME_GREED)
