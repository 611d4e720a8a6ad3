"""Market data: is this bar believable, fresh, complete? Decides nothing about trading.

One `BarsArrived` becomes at most one `BarClosed` with the bars that can be believed. Silence of a feed is
noticed by one periodic timer on the monotonic clock.
"""

import msgspec

from organism.core import Now, OrganCore
from organism.effects import Effects, Publish, Schedule
from organism.market import NS_PER_S, Bar, Instrument
from organism.messages import (
    BarClosed,
    BarsArrived,
    Fact,
    FeedRecovered,
    FeedReported,
    FeedStalled,
    Message,
    Recovered,
    TimerFired,
)
from organism.settings import MarketSettings
from organs.nervous.checks import doubts, refusal, sane, tracked
from organs.nervous.state import Cursor, NervousState, Track, counted

SILENCE = "silence"
_TRADING = ("motor", "brain")
_WARMING = ("brain",)
_CONCERNED = ("immune", "voice")
# An instant further ahead of the newest than this is not believed (a new session begins within about a day; within
# one, a stamp that is a day off would make us deaf to every true instant of that day) …
_FAR_NS = 2 * 86_400 * NS_PER_S
_FAR_WITHIN_NS = 6 * 3_600 * NS_PER_S
# … until so many in a row say so: then it was an outage, not garbage.
_AHEAD_PATIENCE = 3

_Result = tuple[NervousState, Effects]
_replace = msgspec.structs.replace


class _Watch(msgspec.Struct, frozen=True):
    """Settings as the hot path wants them. patience_ns: silence tolerated, monotonic."""

    symbols: frozenset[str]
    ordered: tuple[str, ...]
    bar_ns: int
    every_ns: int
    patience_ns: int
    feed: str


def nervous_core(settings: MarketSettings, instruments: tuple[Instrument, ...]) -> OrganCore[NervousState]:
    """Build the organ."""
    known = {i.symbol for i in instruments}
    ordered = tuple(s for s in settings.symbols if s in known)
    # A paced replay is silent between two bars for as long as its speed says; that is no stall.
    pause_s = settings.bar_s / settings.speed if settings.speed > 0 else 0.0
    watch = _Watch(
        frozenset(ordered),
        ordered,
        settings.bar_s * NS_PER_S,
        max(1, int(settings.stall_s / 2 * NS_PER_S)),
        int((settings.stall_s + pause_s) * NS_PER_S),
        settings.feed,
    )

    def step(state: NervousState, message: Message, now: Now) -> _Result:
        if type(message) is BarsArrived:
            return _arrived(state, message, now, watch)
        return _other(state, message, now, watch)

    return OrganCore("nervous", NervousState, NervousState(), step)


def _arrived(state: NervousState, message: BarsArrived, now: Now, watch: _Watch) -> _Result:
    cursor, at_ns, bar_ns = state.cursor, message.at_ns, watch.bar_ns
    seam = cursor is None or message.session != cursor.session or message.feed != cursor.feed
    late_ns = 0
    if cursor is not None:
        late_ns = at_ns - cursor.at_ns - bar_ns
        if late_ns:
            why = _untimely(cursor, message, late_ns)
            if why:
                return _unheard(state, why), ()
            far_ns = _FAR_NS if seam else _FAR_WITHIN_NS
            if late_ns > far_ns and state.n_ahead + 1 < _AHEAD_PATIENCE:
                return _replace(_unheard(state, "future_instant"), n_ahead=state.n_ahead + 1), ()
    origin_ns = at_ns if seam or cursor is None else cursor.origin_ns
    tracks: dict[str, Track] = {} if seam else state.tracks.copy()
    bars, refused, doubtful = _believed(message, tracks, state, watch)
    if not bars and not message.closing and not message.final:
        # Nothing believable: the instant was not heard, so that it may still come as it should.
        return _replace(state, refused=refused), ()
    missing: tuple[str, ...] = ()
    if len(bars) != len(watch.ordered):
        there = {b.symbol for b in bars}
        missing = tuple(s for s in watch.ordered if s not in there)
    state = _replace(
        state,
        cursor=Cursor(feed=message.feed, session=message.session, at_ns=at_ns, origin_ns=origin_ns),
        tracks=tracks,
        n_bars=state.n_bars + len(bars),
        refused=refused,
        doubtful=doubtful,
        n_gaps=state.n_gaps + 1 if late_ns and not seam else state.n_gaps,
        heard_mono_ns=now.mono_ns,
        n_ahead=0,
    )
    closed = BarClosed(
        at_ns=at_ns,
        session=message.session,
        bars=bars,
        missing=missing,
        warmup=message.warmup,
        seam=seam,
        closing=message.closing,
        final=message.final,
    )
    publish = Publish(to=_WARMING if message.warmup else _TRADING, message=closed)
    if state.stalled and bars:
        recovered = Publish(to=_CONCERNED, message=FeedRecovered(feed=message.feed))
        return _replace(state, stalled=""), (recovered, publish)
    return state, (publish,)


def _believed(
    message: BarsArrived, tracks: dict[str, Track], state: NervousState, watch: _Watch
) -> tuple[tuple[Bar, ...], tuple[tuple[str, str, int], ...], tuple[tuple[str, str, int], ...]]:
    """Sort the bars of an instant; `tracks` is brought up to date in place (it is the caller's own copy)."""
    refused, doubtful = state.refused, state.doubtful
    at_ns, bar_ns, known = message.at_ns, watch.bar_ns, watch.symbols
    kept: list[Bar] = []
    changed = False
    for bar in message.bars:
        symbol = bar.symbol
        track = tracks.get(symbol)
        why = ""
        if symbol not in known:
            why = "unknown_instrument"
        elif track is not None and track[0] >= at_ns:
            why = "duplicate"  # believed already at this very instant
        elif not sane(bar, at_ns, bar_ns):
            why = refusal(bar, at_ns, bar_ns)
        if why:
            # An unknown name is the outside's text: it is counted, not repeated, or the tally could grow for ever.
            refused = counted(refused, "" if why == "unknown_instrument" else symbol, why)
            changed = True
            continue
        if track is not None:
            flags = doubts(bar, track)
            if flags:
                for flag in flags:
                    doubtful = counted(doubtful, symbol, flag)
                bar = _replace(bar, flags=flags)  # noqa: PLW2901 - flagged, not repaired
                changed = True
        tracks[symbol] = tracked(bar, track)
        kept.append(bar)
    return (tuple(kept) if changed else message.bars), refused, doubtful


def _untimely(cursor: Cursor, message: BarsArrived, late_ns: int) -> str:
    """Why an instant that is not the next one must be ignored, "" when it may be heard."""
    if message.at_ns <= cursor.at_ns or (message.feed == cursor.feed and message.session < cursor.session):
        return "old_instant"
    return "interval" if late_ns < 0 and message.session == cursor.session else ""


def _unheard(state: NervousState, why: str) -> NervousState:
    # Garbage does not end a silence: a feed that only repeats itself is as good as dead.
    return _replace(state, refused=counted(state.refused, "", why))


def _other(state: NervousState, message: Fact, now: Now, watch: _Watch) -> _Result:
    match message:
        case TimerFired(key=key) if key == SILENCE:
            silent_ns = now.mono_ns - state.heard_mono_ns
            again = Schedule(key=SILENCE, due_ns=now.mono_ns + watch.every_ns)
            if silent_ns < watch.patience_ns and not state.stalled:
                return state, (again,)
            why = state.stalled or "silent"
            return _replace(state, stalled=why), (_stalled(state, why, silent_ns, watch), again)
        case Recovered():
            # The monotonic clock of another process means nothing here: silence is counted from now on.
            fresh = message.process or now.mono_ns < state.heard_mono_ns
            heard = now.mono_ns if fresh else state.heard_mono_ns
            again = Schedule(key=SILENCE, due_ns=now.mono_ns + watch.every_ns)
            return _replace(state, heard_mono_ns=heard), (again,)
        case FeedReported(condition="failed" | "gap" as condition, detail=detail):
            why = f"{condition}: {detail}" if detail else condition
            silent_ns = now.mono_ns - state.heard_mono_ns
            return _replace(state, stalled=why), (_stalled(state, why, silent_ns, watch),)
        case _:
            return state, ()


def _stalled(state: NervousState, why: str, silent_ns: int, watch: _Watch) -> Publish:
    feed = state.cursor.feed if state.cursor is not None else watch.feed
    return Publish(to=_CONCERNED, message=FeedStalled(feed=feed, reason=why, silent_s=silent_ns / NS_PER_S))
