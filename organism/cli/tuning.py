"""What `optimize` and `walk-forward` share: the space, the setting, and how they tell."""

import contextlib
import sys
import textwrap
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

import numpy as np

from genome.costs import Costs
from genome.evolution.ports import Scores
from genome.insisted import Insisted
from genome.market import Market
from genome.reporting.numbers import bar_name, instant
from genome.reporting.words import assumptions, warnings_of_bars
from genome.trials.count import Tally, Trials
from genome.trials.datasets import dataset_of
from genome.tuning.judging import Setting, Window, warm_bars
from genome.tuning.metric import Metric
from genome.tuning.space import Space, bounds_of, space_of, steps_of
from organism.cli.bars import markets_of, writable
from organism.cli.context import state_folder
from organism.cli.counted import FILE
from organism.cli.parser import Options
from organism.cli.strategies import chosen, parameters
from organism.errors import BadInput, OrganismError

INTERRUPTED = 130
_WIDE = 100
_MOST_HELD = 1_000


@dataclass(frozen=True, slots=True)
class Question:
    """What is searched, on which bars, and for what."""

    space: Space
    setting: Setting
    metric: Metric
    source: str
    warnings: tuple[str, ...]
    proxies: tuple[str, ...]


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
    read = markets_of(options)
    markets = read.markets
    if len(markets) > 1:
        raise BadInput(
            "parameters are searched on one asset; name one file with --data, or one symbol with --symbols."
        )
    (market,) = markets
    setting = Setting(
        market,
        costs,
        options.capital,
        warm_bars(space.lookback(market.bar_s), market.bar_s),
        options.min_trades,
    )
    picked = () if read.universe is None else read.universe.sentences()
    said = (*Insisted(proxies=read.proxies).sentences(), *picked, *_said(space, market))
    return Question(space, setting, metric, read.source, said, read.proxies)


@contextlib.contextmanager
def telling_nothing(when: str) -> Iterator[None]:
    """Say so where an interrupt leaves nothing to tell; the interrupt goes on."""
    try:
        yield
    except KeyboardInterrupt:
        print(f"organism: interrupted {when}: there is nothing to tell.", file=sys.stderr)
        raise


class Looks:
    """The count of `--state`, as `genome.evolution.ports.Count`: every look is written down. What hinders it breaks nothing.

    new       trials that nobody had made before
    tally     of these bars and whatever overlaps them; None where they could not be counted, then `warning` says why
    """

    def __init__(self, asked: Question, options: Options) -> None:
        market = asked.setting.market
        self.new = 0
        self.tally: Tally | None = None
        self.warning = ""
        self._path = state_folder(options) / FILE
        self._dataset = dataset_of([market], Window(asked.setting, 0, market.size, "optimize").data)
        self._trials: Trials | None = None
        self._held: list[tuple[str, list[str], Scores, str]] = []
        self.setting = replace(asked.setting, count=self)

    def __enter__(self) -> Self:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._trials = Trials(self._path, tell=self._told)
        except (OrganismError, OSError) as error:
            self._hindered(error)
        return self

    def add(self, data: str, hashes: list[str], scores: Scores, origin: str) -> int:
        """Take looks in hand; they are written together, before anybody sees what came of them. 0: not known yet."""
        if self._held and (self._held[0][0] != data or sum(len(one[1]) for one in self._held) >= _MOST_HELD):
            self._write()
        self._held.append((data, hashes, scores, origin))
        return 0

    def _write(self) -> None:
        """Count what is held, all of it looks at the same data: one write costs as much as one look."""
        held, self._held = self._held, []
        if self._trials is None or not held:
            return
        (data, _, first, origin), parts = held[0], [one[2] for one in held]
        values, violations, returns, trades = (
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("values", "violations", "returns", "trades")
        )
        hashes = [name for one in held for name in one[1]]
        try:
            counter = self._trials.counter(self._dataset, now_s=time.time)
            self.new += counter.add(
                data, hashes, Scores(values, violations, returns, first.days, trades), origin
            )
        except OrganismError as error:
            self._hindered(error)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._write()
        if self._trials is None:
            return
        try:
            self.tally = self._trials.tally(self._dataset)
        except OrganismError as hindered:
            self._hindered(hindered)
        finally:
            if self._trials is not None:
                self._trials.close()

    def _told(self, sentence: str) -> None:
        self.warning = sentence

    def _hindered(self, error: Exception) -> None:
        if self._trials is not None:
            self._trials.close()
            self._trials = None
        self.warning = f"Trials were not counted: {error}"

    @property
    def warnings(self) -> tuple[str, ...]:
        """What hindered the count."""
        return (self.warning,) if self.warning else ()

    @property
    def sentence(self) -> str:
        """How many looks at these bars there were, by anybody."""
        if self.tally is None:
            return ""
        return (
            f"{self.new:,} of these trials are new; {self.tally.trials:,} were made on these bars and bars that overlap "
            f"them, and {self.tally.clusters:,} of them behave differently."
        )

    @property
    def document(self) -> dict[str, int | None]:
        """For JSON."""
        return {"trials_new": self.new, "trials_total": None if self.tally is None else self.tally.trials}


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
