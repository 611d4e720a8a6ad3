"""The front as a picture, the best genomes as text, and the very best on the price."""

import re
from html import escape

import numpy as np

from genome.documents import readable
from genome.evolution_report.story import Setting, Story
from genome.evolution_report.words import by_luck, worth
from genome.evolve import Bred
from genome.genome import Genome
from genome.market import F64
from genome.reporting.charts import Clock, missing
from genome.reporting.numbers import percent, plain
from genome.reporting.page import Told, money_charts, price_chart
from genome.reporting.plots import Dot, along_axis, dot_chart, value_scale
from genome.reporting.shell import beware
from genome.reporting.tables import signed, table
from genome.reporting.words import assumptions, warnings
from genome.simulator.population import evaluate
from genome.simulator.single import backtest
from organism.errors import OrganismError

MOST = 8
_MOST_ASSETS = 20
_NARROW, _WIDE = 5.0, 13.0
_LONG = re.compile(r"\d+\.\d{4,}(?:e-?\d+)?")


def front_chart(story: Story, setting: Setting) -> str:
    """Sharpe against drawdown, of the hall of fame and of some earlier fronts."""
    front = story.found.front
    title = "The front: Sharpe against drawdown"
    if not front:
        return missing("front", title, "Nobody held all constraints, so there is no front.")
    dots = [
        Dot(
            -one.objectives[2],
            one.objectives[0],
            _width(one.objectives[1]),
            f"{one.genome.genome_id}: {worth(one.objectives, one.trades)}",
        )
        for one in front
    ]
    falls, sharpes = np.array([dot.x for dot in dots]), np.array([dot.y for dot in dots])
    earlier = [
        (at, values) for at, values in sorted(story.fronts.items()) if at < story.found.state.generation
    ]
    looks = [f"age-{i}" for i in range(len(earlier))]
    before = [(look, -values[:, 2], values[:, 0]) for look, (_, values) in zip(looks, earlier, strict=True)]
    bar = by_luck(story, setting)
    scales = (
        value_scale(np.concatenate([falls, *(_middle(x) for _, x, _ in before)]), zero=True),
        value_scale(np.concatenate([sharpes, [bar], *(_middle(y) for _, _, y in before)]), zero=True),
    )
    keys = "".join(
        f'<span class="key"><i class="spot {look}"></i>{"founders" if at == 0 else f"generation {at:,}"}</span>'
        for look, (at, _) in zip(looks, earlier, strict=True)
    )
    keys += '<span class="key"><i class="spot"></i>hall of fame</span><span class="key"><i class="mark"></i>best Sharpe</span>'
    keys += '<span class="key"><i class="watch"></i>the best by luck alone</span>' if bar > 0.0 else ""
    return dot_chart(
        "front", title, dots, before, scales,
        (along_axis(scales[0], "deepest drawdown", lambda v: percent(v, 0)), along_axis(scales[1], "", lambda v: plain(v, 1), 5)),
        level=bar if bar > 0.0 else None, keys=keys,
        note="Larger points are more consistent; a point tells its turnover and trades when it is pointed at. All at one common "
        "volatility of 10 % a year. Further up and further left is better.",
    )  # fmt: skip


def _width(consistency: float) -> float:
    return _NARROW + (_WIDE - _NARROW) * float(np.clip(consistency, 0.0, 1.0))


def _middle(values: F64) -> F64:
    """Without the outermost twentieths: a few who are far out do not flatten the rest, and lie on the edge."""
    known = values[np.isfinite(values)]
    if not known.size:
        return known
    low, high = np.quantile(known, (0.05, 0.95))
    kept: F64 = known[(known >= low) & (known <= high)]
    return kept


def genomes(story: Story) -> str:
    """The best as text, with their figures and the command that shows their ancestors."""
    front = story.found.front
    if not front:
        return missing("best", "The best genomes", "There are none: nobody held all constraints.")
    cards = "".join(_card(rank, one) for rank, one in enumerate(front[:MOST], 1))
    more = len(front) - MOST
    note = "Sorted by Sharpe, which makes the first the luckiest, too; genes to four digits. "
    note += (
        f"{more:,} more are in the hall of fame; --json has them all."
        if more > 0
        else "That is the whole hall of fame."
    )
    return (
        f'<section class="stack" id="best"><h3 class="group">The best genomes</h3><div class="cards">{cards}</div>'
        f'<p class="note">{escape(note)}</p></section>'
    )


def _card(rank: int, one: Bred) -> str:
    sharpe, consistency, drawdown, turnover = one.objectives
    figures = (
        ("Sharpe", plain(sharpe, 2, signed=True)), ("Consistency", plain(consistency, 2)), ("Drawdown", percent(-drawdown)),
        ("Turnover", f"{plain(-turnover, 1)} ×"), ("Trades", plain(one.trades, 0)),
    )  # fmt: skip
    cells = "".join(f"<div><dt>{name}</dt><dd>{escape(value)}</dd></div>" for name, value in figures)
    lines = "".join(f"<dt>{escape(label)}</dt><dd>{escape(text)}</dd>" for label, text in _text(one.genome))
    name = escape(one.genome.genome_id)
    return (
        f'<article class="block genome"><h4>{rank}. {name}</h4><dl class="worth">{cells}</dl><dl class="code">{lines}</dl>'
        f'<p class="note">Ancestors: <code>organism genome lineage {name}</code></p></article>'
    )


def _text(genome: Genome) -> list[tuple[str, str]]:
    """What it does, in words; genes to four digits."""
    return [
        (label, _LONG.sub(lambda found: f"{float(found[0]):.4g}", text) if label == "genes" else text)
        for label, text in readable(genome)
    ]


def on_price(story: Story, setting: Setting) -> str:
    """The best, simulated on the first market by name."""
    front = story.found.front
    if not front:
        return ""
    one, market = front[0], setting.shown
    name = one.genome.genome_id
    title = f"{name} on {market.symbol}"
    try:
        result = backtest(market, one.genome, setting.costs, setting.capital)
    except OrganismError as error:
        return missing("equity", title, f"It could not be simulated there: {error}")
    told = Told(
        strategy=name, params=(), conditions=(), market=market, result=result, costs=setting.costs, capital=setting.capital,
        source=setting.source,
    )  # fmt: skip
    clock = Clock(float(market.open_s[0]), float(int(market.open_s[-1]) + market.bar_s), market.bar_s)
    f = result.figures
    said = (
        f"By itself, at its own size: {percent(f['total_return'], 1, signed=True)} after costs, Sharpe {plain(f['sharpe'], 2, signed=True)}, "
        f"deepest drawdown {percent(f['max_drawdown'])}, {plain(f['n_trades'], 0)} trades."
    )
    if len(setting.markets) > 1:
        said += f" {market.symbol} is the first by name of the {len(setting.markets)} assets that it was judged on together."
    known = set(setting.warnings)
    flags = [sentence for sentence in warnings([market], result) if sentence not in known]
    return (
        f'<section class="stack" id="on-price"><h3 class="group">{escape(f"The best on price: {title}")}</h3>'
        f'<p class="note">{escape(said)}</p>{beware(flags)}</section>{money_charts(told, clock)}{price_chart(told, clock)}{_on_each(one, setting)}'
    )


def _on_each(one: Bred, setting: Setting) -> str:
    """What it made on each asset by itself: the first by name may be an exception."""
    markets = sorted(setting.markets, key=lambda market: market.symbol)
    if len(markets) < 2:  # noqa: PLR2004 - the charts tell of one
        return ""
    f = {
        name: row[0]
        for name, row in evaluate([one.genome], markets, setting.costs, setting.capital).figures.items()
    }
    rows = [
        (
            market.symbol, signed(float(f["total_return"][i]), percent(float(f["total_return"][i]), 1, signed=True)),
            plain(float(f["sharpe"][i]), 2, signed=True), percent(float(f["max_drawdown"][i]), 1), plain(float(f["n_trades"][i]), 0),
        )
        for i, market in enumerate(markets[:_MOST_ASSETS])
    ]  # fmt: skip
    note = f"It gained on {int((f['total_return'] > 0.0).sum()):,} of {len(markets):,}, at its own size."
    note += f" The first {_MOST_ASSETS} by name are shown." if len(markets) > _MOST_ASSETS else ""
    return table(
        "assets", "The best on each asset", ("", "Return", "Sharpe", "Drawdown", "Trades"), rows, note
    )


def assumed_of(setting: Setting) -> str:
    """Costs and the like."""
    return "; ".join(assumptions(setting.costs, setting.capital, setting.shown))
