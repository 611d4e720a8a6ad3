"""What is held: with its stops, how long it stood without one, and what may be ordered of it."""

from decimal import Decimal
from typing import Any

from dashboard import figures
from dashboard.glimpse import Row
from dashboard.pages import shapes
from dashboard.pages.asked import HOUR_NS, Asked
from dashboard.pages.shapes import Cell, Piece, head
from dashboard.pages.shared import instrument, priced, sized
from dashboard.reading.bare import Bare, Position
from dashboard.sight import Sight
from dashboard.tables import spark, stops_of

_KEEP_S = 1.0
_WHOLE = 1.0 - 1e-9
HEADS = [
    head("Instrument"), head("Lately", low=True), head("Quantity", num=True, low=True), head("Price", num=True),
    head("Exposed", num=True, low=True, says="share of equity"), head("Unrealised", num=True),
    head("Stop", num=True, low=True, says="where the protective order rests, and how far that is"),
    head("Protected", low=True, says="whether a living protective order covers all of it"),
    head("Without a stop", num=True, low=True,
         says="how long it stood without a whole protective order at the venue since it was opened, by the journal"),
    shapes.head_of_acts(),
]  # fmt: skip


def positions(asked: Asked, sight: Sight) -> Piece:
    """Holdings, largest first, and below them what nothing may be opened in."""
    barred = barred_in(sight)
    shown = [one for one in sight.glimpse.rows("positions") if figures.decimal(one.get("quantity"))]
    held = {str(one["symbol"]) for one in shown}
    rows = [(str(one["symbol"]), _held(one, sight, barred)) for one in shown if asked.wants(one["symbol"])]
    rows += [(one, _not_held(one, sight)) for one in barred if one not in held and asked.wants(one)]
    why = str(sight.part("barred").get("reason") or "")[:300] if barred else ""
    notes = [f"{why[:1].upper()}{why[1:]}.".replace("..", ".") if why else "", sight.off]
    return shapes.table(HEADS, rows, " ".join(one for one in notes if one))


def barred_in(sight: Sight) -> list[str]:
    """Instruments in which a person lets nothing be opened."""
    found = sight.part("barred").get("symbols")
    return [str(one) for one in found] if isinstance(found, list) else []


def is_bare(held: Row, sight: Sight) -> bool:
    """Whether no living protective order covers all of a position."""
    size = abs(figures.number(held.get("quantity")) or 0.0)
    return stops_of(sight.glimpse).get(str(held["symbol"]), 0.0) < size * _WHOLE


def _held(row: Row, sight: Sight, barred: list[str]) -> list[Cell]:
    size, symbol = figures.decimal(row.get("quantity")) or Decimal(0), str(row["symbol"])
    entry, mark = figures.number(row.get("average_price")), figures.number(row.get("mark"))
    gain = (mark / entry - 1.0) * (1.0 if size > 0 else -1.0) if entry and mark is not None else None
    closes = _closes(sight, symbol)
    side = "long" if size > 0 else "short"
    bare = bare_of(row, sight)
    return [
        instrument(symbol, f"{side}, no entries" if symbol in barred else side),
        {"spark": spark(closes), "entry": _within(entry, closes), "x": ""},
        sized(size),
        priced(mark, sub=f"from {figures.price(entry)}"),
        shapes.number(figures.percent(row.get("exposure"), 0), row.get("exposure")),
        shapes.gained(row.get("unrealised"), sub=figures.percent(gain, 1, signed=True)),
        _stop(row, mark),
        _protected(row, sight, bare),
        _without(bare),
        _acts(symbol, sight, held=True, barred=symbol in barred),
    ]


def _not_held(symbol: str, sight: Sight) -> list[Cell]:
    nothing: list[Cell] = [shapes.text("") for _ in HEADS[2:]]
    first = instrument(symbol, "nothing held, no entries")
    return [first, *nothing, _acts(symbol, sight, held=False, barred=True)]


def _acts(symbol: str, sight: Sight, *, held: bool, barred: bool) -> Cell:
    close = [("close", "Close", f"Close the position in {symbol}")] if held else []
    entries = (
        ("allow", "Allow entries", f"Allow entries in {symbol}")
        if barred
        else ("bar", "No entries", f"No entries in {symbol}")
    )
    return shapes.acts([*close, entries], symbol, sight.ordered().get(symbol, ()), sight.off)


def _closes(sight: Sight, symbol: str) -> list[float]:
    """Prices of the last hours, for a small line."""
    history = sight.over(max(0, (sight.market_ns or 0) - 6 * HOUR_NS))
    return [close for _, close in history.prices(symbol, 72)]


def _within(entry: float | None, closes: list[float]) -> int | None:
    """Where the entry price lies on the small line, 0 … 100; None when it is off it."""
    if entry is None or len(closes) < 2:  # noqa: PLR2004 - as for the line itself
        return None
    low, high = min(closes), max(closes)
    return round((entry - low) / (high - low) * 100) if low <= entry <= high and high > low else None


def _stop(row: Row, mark: float | None) -> Cell:
    price = figures.number(row.get("stop_price"))
    far = abs(mark / price - 1.0) if price and mark is not None else None
    return priced(
        row.get("stop_price"), sub="" if far is None else f"{figures.percent(far)} away", tone="muted"
    )


def bare_of(row: Row, sight: Sight) -> Bare | None:
    """How long a position stood without a whole stop; None where the journal does not tell, or was not read yet."""
    history, opened_ns, market_ns = sight.history, row.get("opened_ns"), sight.market_ns
    size = figures.decimal(row.get("quantity"))
    if history is None or not isinstance(opened_ns, int) or market_ns is None or not size:
        return None
    # As fast as the world: this machine's clock says it finer than bars do.
    wall = sight.at_ns is None and figures.number(sight.part("body").get("speed")) == 1.0
    asked = Position(
        str(row["symbol"]), size, opened_ns, market_ns, sight.now_ns if wall else market_ns, wall
    )
    return sight.kept.get(("bare", asked.symbol, size, opened_ns), _KEEP_S, lambda: history.bare(asked))


def _protected(row: Row, sight: Sight, bare: Bare | None) -> Cell:
    size = abs(figures.number(row.get("quantity")) or 0.0)
    covered = stops_of(sight.glimpse).get(str(row["symbol"]), 0.0)
    if covered >= size * _WHOLE:
        return shapes.tag("whole", "good", "a living protective order covers all of it")
    said = shapes.tag("partly" if covered else "no", "act",
                      f"protective orders cover {figures.quantity(covered)} of {figures.quantity(size)}")  # fmt: skip
    since: dict[str, Any] = {"since": shapes.ms_of(bare.since_ns)} if bare and bare.since_ns else {}
    return {**said, **since} if since else {**said, "sub": "since when is not known"}


def _without(bare: Bare | None) -> Cell:
    if bare is None:
        return {
            **shapes.number("not known", None, tone="muted"),
            "title": "the journal was not read back to its opening",
        }
    tone = "muted" if bare.total_s == 0.0 else "warn"
    shown = f"0{figures.THIN}s" if bare.total_s == 0.0 else figures.span(bare.total_s)
    return shapes.number(shown, round(bare.total_s, 3), tone=tone)
