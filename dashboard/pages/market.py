"""Market: can what is seen be trusted? Feeds, gaps, the clock, values of context, the newest prices."""

from collections.abc import Callable
from typing import Any

from dashboard import figures, performance
from dashboard.pages import shapes
from dashboard.pages.asked import Asked
from dashboard.pages.parts import block, coming, page, row
from dashboard.pages.shapes import Piece
from dashboard.pages.shared import counted, human, instrument, told
from dashboard.sentence import Sentence
from dashboard.sight import Sight
from dashboard.tables import spark
from organism.called import called

TONE = {
    "live": "good", "running": "good", "connected": "good", "ok": "good", "stalled": "act", "failed": "act",
    "restarting": "watch", "fresh": "good", "stale": "watch", "failing": "watch",
}  # fmt: skip
_KEEP_S = 1.5


def skeleton() -> Any:
    """The page without its contents."""
    return page("market", [
        row(block("Feeds", "feeds", "strip", "Feeds appear when the body listens to one.", "half"),
            block("Clock", "market-clocks", "facts", "The clock is known while the body lives.", "half")),
        block("Newest prices", "market-prices", "table", "Prices appear with the first bars of the market."),
        row(block("What the feeds delivered", "market-quality", "table", "Counts appear with the first bars.", "half"),
            block("Context", "market-context", "strip", "No value of context is polled. Name feeds under [context] in the settings, "
                  "such as fear_greed, and their newest value appears here.", "half")),
        row(coming("Order book and flow", "The best bids and asks, how deep they are, and who is in a hurry.",
                   "Appears when a live venue streams its book; the replayed market has none.", "half"),
            coming("Bans and rate limits", "How much of each venue's allowance is used, and until when it said no.",
                   "Appears when a live venue is connected.", "half")),
    ])  # fmt: skip


def speaks(sight: Sight, _: Asked) -> Sentence:
    """Whether the market can be believed."""
    if first := told(sight):
        return first
    feeds = sight.glimpse.rows("feeds")
    if not feeds:
        return Sentence(lead="Blind.", text="No feed has spoken yet.", need="", tone="unknown")
    bad = [one for one in feeds if TONE.get(str(one.get("state"))) in {"act", "watch"}]
    if bad:
        names = figures.listed([str(one["name"]) for one in bad])
        return Sentence(lead="Partly blind:", text=f"{names} cannot be believed now.", tone="act",
                        need="It reconnects by itself; nothing new is opened on what it says until then.")  # fmt: skip
    doubts = sum(int(one.get(key) or 0) for one in feeds for key in ("refused", "doubtful", "gaps"))
    bars = sum(int(one.get("bars") or 0) for one in feeds)
    said = f"{counted(bars, 'bar')} heard, " + (
        "none of them doubted." if not doubts else f"{counted(doubts, 'doubt')} among them."
    )
    return Sentence(lead="What is seen can be believed.", text=said, need="", tone="good")


def pieces(asked: Asked, sight: Sight) -> dict[str, Callable[[], Any]]:
    """What the page shows, each made when it is asked for."""
    return {
        "feeds": lambda: feeds(sight),
        "market-clocks": lambda: clocks(sight),
        "market-prices": lambda: sight.kept.get(
            ("prices", asked.span, asked.symbols), _KEEP_S, lambda: prices(asked, sight)
        ),
        "market-quality": lambda: quality(sight),
        "market-context": lambda: context(sight),
    }


def feeds(sight: Sight) -> Piece:
    """Where the market comes from, and how long ago it spoke."""
    items = []
    for one in sight.glimpse.rows("feeds"):
        state = str(one.get("state") or "unknown")
        said = [f"last bar {figures.age(one.get('silent_s'))}", str(one.get("detail") or "")[:200]]
        items.append({"name": str(one["name"]), "state": human(state).lower(), "tone": TONE.get(state, "unknown"),
                      "detail": " · ".join(part for part in said if part)})  # fmt: skip
    return shapes.strip(items)


def context(sight: Sight) -> Piece:
    """Values that are polled. Their services speak a few times a day: how long one was silent alarms nobody."""
    items = []
    for one in sight.part("context").get("feeds") or []:
        state, answered = str(one.get("state")), one.get("silent_s")
        said = [
            "never answered" if answered is None else f"answered {figures.age(answered)}",
            str(one.get("detail") or "")[:200],
        ]
        items.append({"name": called(str(one.get("name"))), "state": state, "tone": TONE.get(state, "unknown"),
                      "detail": " · ".join(part for part in said if part)})  # fmt: skip
    return shapes.strip(items)


def clocks(sight: Sight) -> Piece:
    """The market's time, and whether this machine's clock can be believed."""
    body, machine = sight.part("body"), sight.part("machine")
    if not body:
        return {}
    speed = figures.number(body.get("speed"))
    jump = figures.number(machine.get("clock_jump_s"))
    pace = "as fast as it goes" if speed == 0 else f"{figures.plain(speed, 0)} market seconds a second"
    return {"cells": [
        ["Market time", "", "of the newest step", "", shapes.ms_of(body.get("market_ns"))],
        ["Last bar", "", "closed", "", shapes.ms_of(body.get("last_bar_ns"))],
        ["Pace", f"{figures.plain(speed, 0)}×" if speed else figures.DASH, pace],
        ["Clock jump", figures.DASH if jump is None else f"{figures.plain(jump * 1e3, 1)}{figures.THIN}ms",
         "of this machine's clock, between two looks"],
    ]}  # fmt: skip


def prices(asked: Asked, sight: Sight) -> Piece:
    """The newest price of each instrument, how it moved over the time chosen, and how old it is in market time."""
    since_ns, now_ns = asked.since_ns(sight.market_ns), sight.market_ns
    rows = []
    for symbol in asked.chosen(sight.symbols()):
        marks = sight.over(since_ns).prices(symbol)
        if not marks:
            continue
        closes = [close for _, close in marks]
        moved = closes[-1] / closes[0] - 1.0 if closes[0] else None
        age_s = None if now_ns is None else max(0.0, (now_ns - marks[-1][0]) / 1e9)
        line = [close for _, close in performance.thinned(marks, 72)]
        rows.append((symbol, [
            instrument(symbol), {"spark": spark(line), "entry": None, "x": ""},
            shapes.number(figures.price(closes[-1]), closes[-1]),
            shapes.number(f"{figures.arrow(moved)} {figures.percent(moved, 2, signed=True)}", moved, tone=figures.tone(moved)),
            shapes.number(figures.price(min(closes)), min(closes), tone="muted"),
            shapes.number(figures.price(max(closes)), max(closes), tone="muted"),
            shapes.number(figures.age(age_s), age_s, tone="muted"),
        ]))  # fmt: skip
    heads = [
        shapes.head("Instrument"), shapes.head("Course"), shapes.head("Price", num=True), shapes.head("Moved", num=True),
        shapes.head("Lowest", num=True, low=True), shapes.head("Highest", num=True, low=True),
        shapes.head("Closed", num=True, low=True, says="how long ago its last bar closed, in market time"),
    ]  # fmt: skip
    return shapes.table(heads, rows)


def quality(sight: Sight) -> Piece:
    """What came, what was refused, what is doubted, what is missing."""
    rows = [
        (str(one["name"]), [
            shapes.text(one["name"], strong=True),
            shapes.number(figures.plain(one.get("bars"), 0), one.get("bars")),
            *(shapes.number(figures.plain(one.get(key) or 0, 0), one.get(key) or 0, tone="" if not one.get(key) else "warn")
              for key in ("refused", "doubtful", "gaps")),
        ])
        for one in sight.glimpse.rows("feeds")
    ]  # fmt: skip
    heads = [
        shapes.head("Feed"), shapes.head("Bars", num=True),
        shapes.head("Refused", num=True, says="impossible bars: nobody saw them"),
        shapes.head("Doubtful", num=True, says="unusual bars: seen, and marked"), shapes.head("Gaps", num=True, says="bars that never came"),
    ]  # fmt: skip
    return shapes.table(heads, rows)
