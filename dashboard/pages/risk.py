"""Risk: how far each limit is, the ladder of drawdown, exposure, correlations, and what was refused."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from dashboard import figures
from dashboard.pages import money, shapes
from dashboard.pages.asked import Asked
from dashboard.pages.parts import block, column, page, row
from dashboard.pages.shapes import Piece
from dashboard.pages.shared import human, instrument, told
from dashboard.sentence import BRAKES, Sentence, next_brake
from dashboard.sight import Sight

_FEWEST = 30  # returns below which a correlation is noise
_MOST_SYMBOLS = 12
_KEEP_S = 5.0
_WORDS = {
    "max_order_notional": ("Largest order", "money"), "max_asset_exposure": ("One instrument", "share"),
    "max_gross_exposure": ("Gross exposure", "share"), "max_net_exposure": ("Net exposure", "share"),
    "price_band": ("Price off the mark", "share"), "max_orders_per_minute": ("Orders a minute", "count"),
    "max_positions": ("Positions", "count"), "max_daily_loss": ("Loss in a day", "share"),
    "max_consecutive_losses": ("Losses in a row", "count"), "protective_stop": ("Stop below entry", "share"),
}  # fmt: skip


def skeleton() -> Any:
    """The page without its contents."""
    return page("risk", [
        row(block("Limits that move", "risk-brakes", "meters", "Limits appear with the first portfolio.", "half"),
            block("The ladder of drawdown", "risk-ladder", "chain", "The ladder appears with the first portfolio.", "half")),
        block("Equity and drawdown", "risk-curve", "figure", "The curve begins with the first marked portfolio.", aside="market time"),
        row(column("half",
                   block("Exposure", "risk-exposure", "table", "Nothing is held, so nothing is exposed."),
                   block("How instruments move together", "risk-correlations", "table",
                         f"Correlations appear with {_FEWEST} common bars of two instruments."),
                   block("Refused", "risk-refused", "table", "No order was refused. Refusals appear here, counted by reason.")),
            block("Every limit", "risk-limits", "table", "Limits appear when the body lives.", "half")),
    ])  # fmt: skip


def speaks(sight: Sight, _: Asked) -> Sentence:
    """The nearest limit."""
    if first := told(sight):
        return first
    standing = sight.part("standing")
    rows = money.brakes(sight).get("rows", [])
    if not rows:
        return Sentence(
            lead="Nothing is at risk yet.",
            text="Limits appear with the first portfolio.",
            need="",
            tone="unknown",
        )
    near = max(rows, key=lambda one: float(one["used"]))
    text = f"{near['name']} is the nearest limit: {near['label']}, {near['limit']}."
    if brake := next_brake(sight.glimpse):
        text += f" The next step of the ladder is {figures.percent(brake[1])} of drawdown away: {brake[0]}."
    if str(standing.get("state") or "active") != "active":
        said = f"Trading is {standing.get('state')}: {str(standing.get('reason') or 'no reason was recorded')[:200]}."
        return Sentence(lead=f"{human(standing.get('state'))}.", text=f"{said} {text}", need="", tone="act")
    lead, tone = {"good": ("Well within limits.", "good"), "watch": ("Close to a limit.", "watch"),
                  "act": ("At a limit.", "act")}[near["tone"]]  # fmt: skip
    return Sentence(lead=lead, text=text, need="", tone=tone)


def pieces(asked: Asked, sight: Sight) -> dict[str, Callable[[], Any]]:
    """What the page shows, each made when it is asked for."""
    return {
        "risk-brakes": lambda: money.brakes(sight),
        "risk-ladder": lambda: ladder(sight),
        "risk-curve": lambda: money.equity(asked, sight),
        "risk-exposure": lambda: exposure(sight),
        "risk-limits": lambda: limits(sight),
        "risk-correlations": lambda: sight.kept.get(
            ("correlations", asked.span), _KEEP_S, lambda: correlations(asked, sight)
        ),
        "risk-refused": lambda: refused(asked, sight),
    }


def ladder(sight: Sight) -> Piece:
    """The steps that drawdown would walk down, and where it stands."""
    drawdown = figures.number(sight.part("portfolio").get("drawdown"))
    found = sight.part("limits")
    if drawdown is None or not found:
        return {}
    steps = [shapes.step(f"Now {figures.percent(drawdown)} below the peak", "", tone="good")]
    ahead = True
    for name, what in BRAKES:
        at = figures.number(found.get(name))
        if at is None:
            continue
        reached = drawdown >= at
        left = "reached" if reached else f"{figures.percent(at - drawdown)} away"
        tone = "act" if reached else "watch" if ahead and drawdown >= at * 0.75 else "unknown"
        steps.append(shapes.step(f"At {figures.percent(at, 0)}: {what}", left, tone=tone))
        ahead = ahead and reached
    return {"steps": steps}


def exposure(sight: Sight) -> Piece:
    """What is held as a share of equity, and of what one instrument may be."""
    most = figures.number(sight.part("limits").get("max_asset_exposure"))
    rows = []
    for one in sight.glimpse.rows("positions"):
        value = figures.number(one.get("exposure"))
        if not value:
            continue
        used = abs(value) / most if most else abs(value)
        tone = "act" if used >= 1.0 else "watch" if used >= 0.75 else "good"  # noqa: PLR2004 - as meters
        rows.append((str(one["symbol"]), [
            instrument(one["symbol"], "long" if value > 0 else "short"),
            shapes.share(used, figures.percent(value, 1, signed=True), value, tone),
            shapes.number(figures.percent(most, 0), most, tone="muted"),
        ]))  # fmt: skip
    return shapes.table(
        [
            shapes.head("Instrument"),
            shapes.head("Exposed", says="share of equity"),
            shapes.head("At most", num=True),
        ],
        rows,
    )


def limits(sight: Sight) -> Piece:
    """Every limit in force, with what it is now where that can be said."""
    found = sight.part("limits")
    now = _now(sight)
    rows = []
    for name, (title, style) in _WORDS.items():
        limit = figures.number(found.get(name))
        if limit is None:
            continue
        value = now.get(name)
        left = None if value is None else limit - value
        rows.append((name, [
            shapes.text(title, title=f"risk.{name}") | {"x": f"risk.{name}", "s": title},
            shapes.number(_shown(value, style), value), shapes.number(_shown(limit, style), limit),
            shapes.number(_shown(left, style), left, tone="muted"),
        ]))  # fmt: skip
    heads = [
        shapes.head("Limit"),
        shapes.head("Now", num=True),
        shapes.head("At most", num=True),
        shapes.head("Room", num=True),
    ]
    return shapes.table(heads, rows)


def _now(sight: Sight) -> dict[str, float | None]:
    portfolio = sight.part("portfolio")
    held = [
        abs(value)
        for one in sight.glimpse.rows("positions")
        if (value := figures.number(one.get("exposure")))
    ]
    day, equity = figures.number(portfolio.get("day_start")), figures.number(portfolio.get("equity"))
    net = figures.number(portfolio.get("net_exposure"))
    return {
        "max_asset_exposure": max(held, default=0.0),
        "max_gross_exposure": figures.number(portfolio.get("gross_exposure")),
        "max_net_exposure": None if net is None else abs(net),
        "max_positions": float(len(held)),
        "max_daily_loss": max(0.0, 1.0 - equity / day) if day and equity is not None else None,
        "max_consecutive_losses": figures.number(portfolio.get("consecutive_losses")),
    }


def _shown(value: float | None, style: str) -> str:
    if style == "share":
        return figures.percent(value, 1)
    return figures.plain(value, 0 if style == "count" else 2)


def correlations(asked: Asked, sight: Sight) -> Piece:
    """Correlation of returns of each pair of instruments, from bar to bar or over longer stretches where there are many bars."""
    since_ns = asked.since_ns(sight.market_ns)
    names = list(sight.symbols())[:_MOST_SYMBOLS]
    prices = {name: _prices(sight, name, since_ns) for name in names}
    worth = [name for name in names if len(prices[name]) > _FEWEST]
    found = {
        (a, b): correlation(prices[a], prices[b]) for nth, a in enumerate(worth) for b in worth[nth + 1 :]
    }
    if not any(value is not None for value in found.values()):
        return {}
    rows = []
    for a in worth:
        cells = [instrument(a)]
        for b in worth:
            value = 1.0 if a == b else found.get((a, b), found.get((b, a)))
            cells.append(
                {
                    "heat": None if value is None else round(value, 2),
                    "s": value,
                    "x": "" if value is None else f"{value:.4f}",
                }
            )
        rows.append((a, cells))
    fewest = min(len(prices[name]) for name in worth)
    note = f"Returns over {fewest - 1:,} equal stretches of this time. Near 1, holding both is holding one twice."
    return shapes.table(
        [shapes.head("Instrument"), *(shapes.head(figures.base(b), num=True) for b in worth)], rows, note
    )


def _prices(sight: Sight, symbol: str, since_ns: int) -> dict[int, float]:
    return dict(sight.over(since_ns).prices(symbol))


def correlation(a: dict[int, float], b: dict[int, float]) -> float | None:
    """Pearson's correlation of log returns over common moments; None below `_FEWEST` of them, or where one stands still."""
    common = sorted(a.keys() & b.keys())
    if len(common) <= _FEWEST:
        return None
    x, y = _returns([a[at] for at in common]), _returns([b[at] for at in common])
    mean_x, mean_y = math.fsum(x) / len(x), math.fsum(y) / len(y)
    xy = math.fsum((p - mean_x) * (q - mean_y) for p, q in zip(x, y, strict=True))
    xx, yy = math.fsum((p - mean_x) ** 2 for p in x), math.fsum((q - mean_y) ** 2 for q in y)
    return xy / math.sqrt(xx * yy) if xx > 0.0 and yy > 0.0 else None


def _returns(prices: Sequence[float]) -> list[float]:
    return [math.log(new / old) for old, new in pairwise(prices)]


def refused(asked: Asked, sight: Sight) -> Piece:
    """Orders that were refused, counted by reason."""
    found = sight.over(asked.since_ns(sight.market_ns)).denials()
    most = max((int(one["n"] or 0) for one in found), default=0)
    rows = [
        (str(one["reason"]), [
            shapes.text(human(one["reason"]), strong=True),
            shapes.share((one["n"] or 0) / most if most else 0.0, f"{one['n'] or 0:,}", one["n"], "watch"),
            shapes.moment(one.get("last_ns")),
        ])
        for one in found
    ]  # fmt: skip
    return shapes.table([shapes.head("Reason"), shapes.head("Orders"), shapes.head("Last")], rows)
