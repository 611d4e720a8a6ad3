"""What market data remembers between instants."""

import msgspec

# Per instrument: close time and close of its newest believed bar, its volume, the scale of its returns
# (mean absolute log return per bar, robust), and how many bars made that scale.
Track = tuple[int, float, float, float, int]


class Cursor(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How far a feed has been heard: the place to go on from, exactly, after a restart.

    at_ns       newest instant, market time
    origin_ns   first instant of the session, market time: tells by how much a recording was shifted
    """

    feed: str
    session: int
    at_ns: int
    origin_ns: int


class NervousState(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Market data's memory.

    cursor          None until the first instant
    tracks          by symbol
    n_bars          bars believed
    refused         how many bars, by (symbol, reason); symbol "" for whole instants
    doubtful        how many believed bars carried a flag, by (symbol, flag)
    n_gaps          times that market time jumped over bars within a session
    heard_mono_ns   when anything arrived last, monotonic
    stalled         why the feed counts as stalled, "" when it does not
    n_ahead         instants in a row that lay implausibly far in the future
    """

    cursor: Cursor | None = None
    tracks: dict[str, Track] = msgspec.field(default_factory=dict)
    n_bars: int = 0
    refused: tuple[tuple[str, str, int], ...] = ()
    doubtful: tuple[tuple[str, str, int], ...] = ()
    n_gaps: int = 0
    heard_mono_ns: int = 0
    stalled: str = ""
    n_ahead: int = 0


def counted(
    tally: tuple[tuple[str, str, int], ...], symbol: str, what: str, n: int = 1
) -> tuple[tuple[str, str, int], ...]:
    """Count one more of a kind.

    >>> counted((("A", "nan", 1),), "A", "nan")
    (('A', 'nan', 2),)
    >>> counted((), "A", "nan")
    (('A', 'nan', 1),)
    """
    for index, (known, kind, count) in enumerate(tally):
        if known == symbol and kind == what:
            return (*tally[:index], (known, kind, count + n), *tally[index + 1 :])
    return (*tally, (symbol, what, n))
