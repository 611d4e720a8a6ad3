"""What people call that which settings, files and programs name shorter."""

from typing import Final

CONTEXT: Final = {
    "fear_greed": "Fear and greed",
    "vix": "VIX",
    "dxy": "Dollar index",
    "funding": "Funding",
    "mark": "Mark price",
    "open_interest": "Open interest",
    "calendar": "Calendar",
}
"""What is known beside candles, by the name of its series."""


def called(name: str) -> str:
    """A polled value or feed for people; a name that nobody here gave stays as it is.

    >>> called("fear_greed"), called("funding BTC/USDT:USDT"), called("replay")
    ('Fear and greed', 'Funding of BTC/USDT:USDT', 'replay')
    """
    series, _, of = name.partition(" ")
    if series not in CONTEXT:
        return name
    return f"{CONTEXT[series]} of {of}" if of else CONTEXT[series]
