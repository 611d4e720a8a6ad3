"""Equity, drawdown and the brakes: shown on Vitals and on Risk."""

from typing import Any

from dashboard import figures, performance
from dashboard.pages import shapes
from dashboard.pages.asked import Asked
from dashboard.pages.shapes import Piece
from dashboard.sentence import BRAKES
from dashboard.sight import Sight

POINTS = 480
CURVE_KEEP_S = 1.5


def equity(asked: Asked, sight: Sight) -> Piece:
    """Equity, and below it how deep under its peak, over one time axis."""
    return sight.kept.get(("equity", asked.span), CURVE_KEEP_S, lambda: _equity(asked, sight))


def _equity(asked: Asked, sight: Sight) -> Piece:
    since_ns = asked.since_ns(sight.market_ns)
    points = sight.over(since_ns).equity(lambda since: performance.curve(sight.view, POINTS, since), POINTS)
    portfolio = sight.part("portfolio")
    tip = performance.tip(portfolio)
    if tip and tip[0] >= since_ns:
        points = [point for point in points if point[0] < tip[0]] + [tip]
    if len(points) < 2:  # noqa: PLR2004 - a line has two ends
        return {}
    x = [at_ns // 1_000_000 for at_ns, _, _ in points]
    values = [round(value, 2) for _, value, _ in points]
    depth = [-round(drawdown, 6) for _, _, drawdown in points]
    start = figures.number(portfolio.get("starting_cash"))
    base = [start, f"start {figures.plain(start)}"] if start and not since_ns else None
    return shapes.figure(
        [
            shapes.panel("", [shapes.line(x, values, "accent", figures.plain(values[-1]), width=2, tip=True, says="equity")],
                         "money", share=0.68, base=base),
            shapes.panel("below peak", [shapes.line(x, depth, "loss", figures.percent(depth[-1]), fill=True, says="from peak")],
                         "percent", share=0.32, zero=True),
        ],
        says=f"Equity moved from {figures.plain(values[0])} to {figures.plain(values[-1])}; "
        f"at its deepest {figures.percent(-min(depth))} below its peak.",
    )  # fmt: skip


def brakes(sight: Sight) -> Piece:
    """How much of each limit is used, as a fraction, with both values written out."""
    limits, portfolio = sight.part("limits"), sight.part("portfolio")
    rows = [row for row in (_drawdown(limits, portfolio), _today(limits, portfolio)) if row]
    for name, key, limit_key in (
        ("Gross exposure", "gross_exposure", "max_gross_exposure"),
        ("Net exposure", "net_exposure", "max_net_exposure"),
    ):
        value, limit = figures.number(portfolio.get(key)), figures.number(limits.get(limit_key))
        if value is not None and limit:
            rows.append(
                shapes.gauge(
                    name, abs(value), limit, figures.percent(value, 0), f"of {figures.percent(limit, 0)}"
                )
            )
    losses, most = portfolio.get("consecutive_losses"), figures.number(limits.get("max_consecutive_losses"))
    if losses is not None and most:
        rows.append(shapes.gauge("Losses in a row", float(losses), most, f"{losses}", f"rests at {most:.0f}"))
    if not rows:
        return {}
    rate = figures.number(sight.part("standing").get("metabolic_rate"))
    hurt = rate is not None and rate < 1.0
    return {"rows": rows, "aside": f"sizes at {figures.percent(rate, 0)}" if hurt else "full size"}


def _drawdown(limits: dict[str, Any], portfolio: dict[str, Any]) -> dict[str, Any] | None:
    drawdown, halt = figures.number(portfolio.get("drawdown")), figures.number(limits.get("halt_at_drawdown"))
    if not halt or drawdown is None:
        return None
    found = shapes.gauge(
        "Drawdown", drawdown, halt, figures.percent(drawdown), f"halts at {figures.percent(halt, 0)}"
    )
    steps = [(figures.number(limits.get(name)), what) for name, what in BRAKES]
    found["marks"] = [
        [round(at / halt, 4), f"{what} at {figures.percent(at, 0)}"] for at, what in steps if at and at < halt
    ]
    return found


def _today(limits: dict[str, Any], portfolio: dict[str, Any]) -> dict[str, Any] | None:
    day, worth = figures.number(portfolio.get("day_start")), figures.number(portfolio.get("equity"))
    daily = figures.number(limits.get("max_daily_loss"))
    if not daily or not day or worth is None:
        return None
    loss = max(0.0, 1.0 - worth / day)
    return shapes.gauge(
        "Loss today", loss, daily, figures.percent(loss), f"stops at {figures.percent(daily, 0)}"
    )
