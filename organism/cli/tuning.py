"""What `optimize` and `walk-forward` share: the space, the setting, and how they tell."""

import textwrap
from dataclasses import dataclass

from genome.costs import Costs
from genome.market import Market
from genome.reporting.numbers import bar_name, instant
from genome.reporting.words import assumptions, warnings_of_bars
from genome.tuning.judging import Setting, warm_bars
from genome.tuning.metric import Metric
from genome.tuning.space import Space, bounds_of, space_of, steps_of
from organism.cli.bars import markets_of, writable
from organism.cli.parser import Options
from organism.cli.strategies import chosen, parameters
from organism.errors import BadInput

INTERRUPTED = 130
_WIDE = 100


@dataclass(frozen=True, slots=True)
class Question:
    """What is searched, on which bars, and for what."""

    space: Space
    setting: Setting
    metric: Metric
    source: str
    warnings: tuple[str, ...]


def question(options: Options) -> Question:
    """Everything that is checked before anything is searched. Raises `BadInput`."""
    for path in (options.report, getattr(options, "out", None)):
        writable(path)
    costs = Costs(taker=options.fee, maker=options.fee, slippage=options.slippage)
    if not 0.0 < options.capital < float("inf"):
        raise BadInput(f"--capital was {options.capital:g}; it is a positive amount.")
    metric = Metric(options.metric, options.min_trades)
    held = parameters(options.param)
    space = space_of(chosen(options), bounds_of(options.bound), steps_of(options.step), held)
    markets, source = markets_of(options)
    if len(markets) > 1:
        raise BadInput("parameters are searched on one asset; name one file with --data.")
    (market,) = markets
    setting = Setting(
        market,
        costs,
        options.capital,
        warm_bars(space.lookback(market.bar_s), market.bar_s),
        options.min_trades,
    )
    return Question(space, setting, metric, source, _said(space, market))


def _said(space: Space, market: Market) -> tuple[str, ...]:
    from genome.seeds import SEEDS, missing_columns

    family = space.genome.family
    missing = missing_columns(family, market) if family in SEEDS else ()
    said = (f"{family} needs {', '.join(missing)}, which {market.symbol} lacks: it never fires there.",)
    return (*(said if missing else ()), *warnings_of_bars(market))


def head(asked: Question, options: Options) -> None:
    """What was asked, on which bars."""
    market = asked.setting.market
    span = f"{instant(market.open_s[0])} to {instant(market.open_s[-1] + market.bar_s)} UTC"
    ranges = ", ".join(f"{p.name} {p.text(p.low)} to {p.text(p.high)}" for p in asked.space.parameters)
    print(f"{asked.space.genome.family} on {market.symbol}: {ranges}")
    print(
        f"{span}, {market.size:,} {bar_name(market.bar_s)} bars, {asked.source}; {options.method}, seed {options.seed}\n"
    )


def foot(asked: Question, said: tuple[str, ...], looked: str) -> None:
    """What was assumed, what to beware of, and how often somebody looked."""
    setting = asked.setting
    say("assumed", f"{'; '.join(assumptions(setting.costs, setting.capital, setting.market))}.")
    for sentence in (*asked.warnings, *said):
        say("beware", sentence)
    say("trials", looked)


def say(what: str, sentence: str) -> None:
    """A sentence beside its heading."""
    print("\n".join(textwrap.wrap(f"{what:<12}{sentence}", _WIDE, subsequent_indent=" " * 12)))
