"""Trading: what is held, why, and how it goes. Prices with fills and stops, positions, orders, trades, attribution."""

from collections.abc import Callable
from typing import Any

from dashboard import figures, tables
from dashboard.glimpse import Row
from dashboard.pages import held, shapes
from dashboard.pages.asked import Asked
from dashboard.pages.parts import block, page, row
from dashboard.pages.shapes import Piece
from dashboard.pages.shared import counted, human, listed, strategy, told
from dashboard.pages.shared import family_of as family
from dashboard.sentence import Sentence, holdings
from dashboard.sight import Sight

POINTS = 240  # of each price; small multiples are narrow
MOST_PANELS = 4
MOST_ROWS = 100
_MOST_MARKS = 400
_KEEP_S = 1.5
_SIDES = (("buy", "gain", "triangle-up", "bought"), ("sell", "loss", "triangle-down", "sold"))


def skeleton() -> Any:
    """The page without its contents."""
    return page("trading", [
        block("Price, fills and protective orders", "trading-price", "figure", "Prices appear with the first bars of the market.",
              aside="market time"),
        block("Positions", "positions", "table", "Nothing is held. A position appears here with its stop as soon as an order fills."),
        row(block("By instrument", "trading-by-symbol", "table", "Results by instrument appear with the first closed trade.", "half"),
            block("By strategy", "trading-by-strategy", "table", "Results by strategy appear with the first closed trade.", "half")),
        block("Who decides", "strategies", "table", "Strategies appear when the brain funds them.", aside="forecast, short to long"),
        block("Orders", "orders", "table", "No order was sent in this time."),
        block("Trades", "trades", "table", "No trade was closed in this time."),
        block("By market regime", "trading-by-regime", "table",
              "Results by the kind of market that trades were opened in appear with the first closed trade, once the journal was read."),
    ])  # fmt: skip


def speaks(sight: Sight, asked: Asked) -> Sentence:
    """What is held, and what the last trades brought."""
    if first := told(sight):
        return first
    wins, n, total = _won(sight, asked)
    closed = (
        f"{counted(n, 'trade')} closed in this time, {wins or 'none'} of them with a gain: {figures.plain(total, signed=True)} together."
        if n
        else "No trade was closed in this time."
    )
    bare = [
        figures.base(str(one["symbol"]))
        for one in sight.glimpse.rows("positions")
        if held.is_bare(one, sight)
    ]
    need = f"{figures.listed(bare)} without a whole stop: look at Positions." if bare else ""
    return Sentence(
        lead=f"{holdings(sight.glimpse)}.",
        text=f"{closed}{_silenced(sight)}",
        need=need,
        tone="act" if bare else "good",
    )


def _silenced(sight: Sight) -> str:
    """What a person keeps from trading."""
    paused = sorted(
        {
            strategy(one.get("family"))
            for one in sight.glimpse.rows("strategies")
            if one.get("state") == "paused"
        }
    )
    barred = [figures.base(one) for one in held.barred_in(sight)]
    said = f" {figures.listed(paused)} {'is' if len(paused) == 1 else 'are'} paused." if paused else ""
    return f"{said} No entries in {figures.listed(barred)}." if barred else said


def _won(sight: Sight, asked: Asked) -> tuple[int, int, float]:
    results = [figures.number(one.get("pnl")) or 0.0 for one in _trades(sight, asked)]
    return sum(1 for one in results if one > 0), len(results), sum(results)


def pieces(asked: Asked, sight: Sight) -> dict[str, Callable[[], Any]]:
    """What the page shows, each made when it is asked for."""
    return {
        "trading-price": lambda: sight.kept.get(
            ("price", asked.span, asked.symbols), _KEEP_S, lambda: price(asked, sight)
        ),
        "positions": lambda: held.positions(asked, sight),
        "trading-by-symbol": lambda: by_symbol(_trades(sight, asked)),
        "trading-by-strategy": lambda: by_strategy(_trades(sight, asked)),
        "trading-by-regime": lambda: by_regime(sight.over(asked.since_ns(sight.market_ns)).regimes()),
        "strategies": lambda: tables.strategies(sight.glimpse, sight.ordered(), sight.off),
        "orders": lambda: _orders(asked, sight),
        "trades": lambda: tables.trades(
            _trades(sight, asked)[:MOST_ROWS], _shown(len(_trades(sight, asked)))
        ),
    }


def _shown(n: int) -> str:
    return f"the newest {MOST_ROWS} of {n:,}" if n > MOST_ROWS else ""


# ---------------------------------------------------------------- prices


def price(asked: Asked, sight: Sight) -> Piece:
    """One small plot for each instrument: its price, what was bought and sold, and where the stop rests."""
    since_ns = asked.since_ns(sight.market_ns)
    held = {
        str(one["symbol"]): one
        for one in sight.glimpse.rows("positions")
        if figures.decimal(one.get("quantity"))
    }
    chosen = asked.chosen(sight.symbols())
    shown = sorted(chosen, key=lambda symbol: (symbol not in held, symbol))[:MOST_PANELS]
    fills = sight.over(since_ns).fills()
    panels = [
        found
        for symbol in sorted(shown)
        if (found := _panel(sight, symbol, since_ns, held.get(symbol), fills))
    ]
    said = f"Prices of {figures.listed([figures.base(one) for one in sorted(shown)])} with their fills."
    found = shapes.figure(panels, says=said, height=56 + 176 * max(1, len(panels)))
    if found and len(chosen) > len(shown):
        found["note"] = f"{len(shown)} of {len(chosen)} instruments are drawn; choose others above."
    return found


def _panel(
    sight: Sight, symbol: str, since_ns: int, held: Row | None, fills: list[Row]
) -> dict[str, Any] | None:
    prices = sight.over(since_ns).line(symbol, POINTS)
    if len(prices) < 2:  # noqa: PLR2004 - a line has two ends
        return None
    x, y = [at_ns // 1_000_000 for at_ns, _ in prices], [close for _, close in prices]
    series = [shapes.line(x, y, "accent", figures.price(y[-1]), width=1.5, says=figures.base(symbol))]
    since_ns = max(since_ns, prices[0][0])
    done_here = [one for one in fills if one["symbol"] == symbol and one["at_ns"] >= since_ns][:_MOST_MARKS]
    for side, colour, mark, word in _SIDES:
        done = [one for one in done_here if one["side"] == side]
        texts = [
            f"{word} {figures.quantity(one['quantity'])} at {figures.price(one['price'])}" for one in done
        ]
        if done:
            series.append(shapes.dots([one["at_ns"] // 1_000_000 for one in done], [float(one["price"]) for one in done],
                                      colour, mark, texts))  # fmt: skip
    stop = figures.number((held or {}).get("stop_price"))
    if held and stop:
        opened = max(int(held.get("opened_ns") or prices[0][0]), prices[0][0]) // 1_000_000
        series.append(shapes.line([opened, x[-1]], [stop, stop], "loss", f"stop {figures.price(stop)}", dash="dot", width=1.25,
                                  says="stop"))  # fmt: skip
    return shapes.panel(figures.base(symbol), series, "price")


# ---------------------------------------------------------------- orders, trades, attribution


def _orders(asked: Asked, sight: Sight) -> Piece:
    alive = sight.glimpse.rows("orders")  # whatever their age
    since_ns = asked.since_ns(sight.market_ns)
    found = [one for one in sight.over(since_ns).orders(alive) if asked.wants(one["symbol"])]
    return tables.orders(found[:MOST_ROWS], _shown(len(found)))


def _trades(sight: Sight, asked: Asked) -> list[Row]:
    def read() -> list[Row]:
        rows = sight.over(asked.since_ns(sight.market_ns)).trades()
        return [one for one in rows if asked.wants(one["symbol"])]

    return sight.kept.get(("trades", asked.span, asked.symbols), _KEEP_S, read)


def by_regime(rows: list[Row]) -> Piece:
    """Results by the kind of market that a trade was opened in."""
    found = []
    for one in rows:
        name = str(one["name"] or "not known")
        found.append((name, [
            shapes.text(human(name.replace("-", ", ")), strong=True),
            shapes.number(figures.plain(one["trades"], 0), one["trades"]), shapes.number(figures.percent(one["won"], 0), one["won"]),
            shapes.number(figures.plain(one["fees"]), one["fees"], tone="muted"), shapes.gained(one["pnl"]),
        ]))  # fmt: skip
    heads = [shapes.head("Regime"), shapes.head("Trades", num=True), shapes.head("Won", num=True), shapes.head("Fees", num=True, low=True),
             shapes.head("Result", num=True, says="after fees")]  # fmt: skip
    return shapes.table(heads, found)


def by_symbol(trades: list[Row]) -> Piece:
    """Results by instrument, largest first."""
    shares = [(str(one["symbol"]), str(one["symbol"]), one, 1.0) for one in trades]
    return _attributed(shares, "Instrument")


def by_strategy(trades: list[Row]) -> Piece:
    """Results by strategy family. A trade that several decided on counts for each in equal parts."""
    shares = []
    for one in trades:
        names = [str(name) for name in listed(one.get("genome_ids"))] or ["unknown"]
        shares += [(family(name), strategy(family(name)), one, 1.0 / len(names)) for name in names]
    found = _attributed(shares, "Strategy")
    if found and any(weight < 1.0 for *_, weight in shares):
        found["note"] = "A trade that several strategies decided on counts for each of them in equal parts."
    return found


def _attributed(shares: list[tuple[str, str, Row, float]], title: str) -> Piece:
    totals: dict[str, list[float]] = {}
    names: dict[str, str] = {}
    for key, name, one, weight in shares:
        pnl = (figures.number(one.get("pnl")) or 0.0) * weight
        found = totals.setdefault(key, [0.0, 0.0, 0.0, 0.0])
        for nth, value in enumerate(
            (pnl, weight, weight if pnl > 0 else 0.0, (figures.number(one.get("fees")) or 0.0) * weight)
        ):
            found[nth] += value
        names[key] = name
    largest = max((abs(found[0]) for found in totals.values()), default=0.0)
    rows = [
        (key, [
            shapes.text(figures.base(names[key]), strong=True, title=key) | {"x": key, "s": names[key]},
            shapes.number(figures.plain(n, 0 if n == int(n) else 1), round(n, 2)),
            shapes.number(figures.percent(wins / n if n else None, 0), wins / n if n else None),
            shapes.number(figures.plain(fees), round(fees, 8), tone="muted"),
            shapes.gained(round(pnl, 8)),
            {"lean": round(pnl / largest, 4) if largest else None, "says": "share of the largest result", "x": ""},
        ])
        for key, (pnl, n, wins, fees) in sorted(totals.items(), key=lambda pair: -pair[1][0])
    ]  # fmt: skip
    heads = [
        shapes.head(title), shapes.head("Trades", num=True), shapes.head("Won", num=True, says="share of trades with a gain"),
        shapes.head("Fees", num=True, low=True), shapes.head("Result", num=True, says="after fees"), shapes.head("", low=True),
    ]  # fmt: skip
    return shapes.table(heads, rows)
