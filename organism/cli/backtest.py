"""`organism backtest STRATEGY`: one genome over recorded bars, with costs, and everything it left behind."""

import textwrap
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from genome import reporting
from genome.checking import check
from genome.costs import Costs
from genome.documents import gene_text
from genome.families import spec_of
from genome.genome import Genome
from genome.insisted import Insisted
from genome.market import Market
from genome.printing import choice_text, to_text
from genome.reporting.numbers import bar_name, instant, percent, plain
from genome.reporting.terminal import figure_lines, write_trades
from genome.reporting.words import ONE_TRIAL, held_return, sharpe_interval
from organism.cli.bars import markets_of, writable
from organism.cli.context import emit, state_folder
from organism.cli.counted import Counted, counted
from organism.cli.parser import Options
from organism.cli.progress import Compiling
from organism.cli.reported import content, keep, named, numbers
from organism.cli.strategies import chosen
from organism.cli.universe import Universe
from organism.errors import BadInput

_WIDE = 100


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """What was run, on what, and what came of it."""

    genome: Genome
    markets: list[Market]
    source: str
    costs: Costs
    capital: float
    result: Any
    warnings: tuple[str, ...]
    read_s: float
    ran_s: float
    count: Counted
    proxies: tuple[str, ...]
    universe: Universe | None

    @property
    def symbols(self) -> str:
        """The market, or how many."""
        return self.markets[0].symbol if len(self.markets) == 1 else f"{len(self.markets)} assets"


def perform(options: Options) -> int:
    """Read, run, print, and write what was asked for."""
    for path in (options.trades, options.report):
        writable(path)
    costs = Costs(taker=options.fee, maker=options.fee, slippage=options.slippage)
    if not 0.0 < options.capital < float("inf"):
        raise BadInput(f"--capital was {options.capital:g}; it is a positive amount.")
    genome = _shaped(chosen(options), options)
    began_s = time.monotonic()
    read = markets_of(options)
    markets, source, insisted = read.markets, read.source, Insisted(proxies=read.proxies)
    if len(markets) > 1 and options.report is not None:
        raise BadInput("--report draws one asset; name one file with --data, or leave --report out.")
    if len(markets) > 1 and options.size is not None:
        raise BadInput(
            "--size is for one asset; several share an equity by score, at most 15 % each: leave it out."
        )
    read_s = time.monotonic() - began_s
    result = _simulated(genome, markets, costs, options.capital, long_only=options.long_only)
    ran_s = time.monotonic() - began_s - read_s
    count = counted(state_folder(options), genome, markets, result, costs, options.capital)
    said = (
        *insisted.sentences(),
        *(() if read.universe is None else read.universe.sentences()),
        *_warnings(genome, markets, result),
        *([count.warning] if count.warning else []),
    )
    run = Run(
        genome, markets, source, costs, options.capital, result, said, read_s, ran_s, count, read.proxies,
        read.universe,
    )  # fmt: skip
    if options.trades is not None:
        write_trades(options.trades, _ledger(run), symbols=len(markets) > 1)
    if options.report is not None:
        reporting.write(options.report, _told(run))
    document = _document(run)
    keep(state_folder(options), "backtest", lambda: _report(run, document))
    if options.json:
        emit(document)
    else:
        _print(run, options)
    return 0


def _shaped(genome: Genome, options: Options) -> Genome:
    """What the flags change of a genome."""
    changed = genome
    if options.size is not None:
        sizing = dict(genome.genes).get("sizing", 0.0)
        if sizing:
            raise BadInput(
                f"--size is for a fixed size, but the genome is sized by {gene_text('sizing', sizing)}; leave it out."
            )
        genes = tuple(sorted({**dict(genome.genes), "size": options.size}.items()))
        changed = msgspec.structs.replace(changed, genes=genes)
    if options.long_only:
        changed = msgspec.structs.replace(changed, entry_short=None, exit_short=None)
        if genome.conditions and changed.entry_long is None:
            raise BadInput(f"{genome.family} only ever goes short; with --long-only nothing is left of it.")
    check(changed)
    return changed


def _simulated(
    genome: Genome, markets: list[Market], costs: Costs, capital: float, *, long_only: bool
) -> Any:
    with Compiling():
        from genome import simulator

        if genome.conditions:
            if len(markets) > 1:
                return simulator.backtest_joint(markets, genome, costs, capital)
            return simulator.backtest(markets[0], genome, costs, capital)
        from genome.learned import signals

        decided = [list(signals(genome, one)) for one in markets]
        if long_only:
            for one, rows in zip(markets, decided, strict=True):
                rows[2:] = [np.zeros(one.size, np.bool_)] * 2
        if len(markets) > 1:
            return simulator.backtest_joint(markets, genome, costs, capital, signals=decided)
        return simulator.backtest(markets[0], genome, costs, capital, signals=decided[0])


def _warnings(genome: Genome, markets: Sequence[Market], result: Any) -> tuple[str, ...]:
    from genome.seeds import SEEDS, missing_columns

    said = [
        f"{genome.family} needs {', '.join(missing)}, which {one.symbol} lacks: it never fires there."
        for one in markets
        if genome.family in SEEDS and (missing := missing_columns(genome.family, one))
    ]
    return (*said, *reporting.warnings(markets, result))


def _params(genome: Genome) -> tuple[tuple[str, str], ...]:
    """Genes as they are written, choices by name."""
    found = []
    for name, value in genome.genes:
        spec = spec_of(genome, name)
        choices = () if spec is None else spec.choices
        found.append((name, choice_text(value, choices) if choices else gene_text(name, value)))
    return tuple(found)


def _told(run: Run) -> reporting.Told:
    return reporting.Told(
        strategy=run.genome.family,
        params=_params(run.genome),
        conditions=tuple((name, to_text(tree)) for name, tree in run.genome.conditions.items()),
        market=run.markets[0],
        result=run.result,
        costs=run.costs,
        capital=run.capital,
        source=run.source,
        warnings=run.warnings,
    )


def _document(run: Run) -> dict[str, Any]:
    params = {name: int(value) if value == int(value) else value for name, value in run.genome.genes}
    found = reporting.document(
        run.genome.family,
        params,
        run.markets,
        run.result,
        capital=run.capital,
        costs=run.costs,
        said=run.warnings,
    )
    return found | {
        "genome_id": run.genome.genome_id,
        "source": run.source,
        "proxies": list(run.proxies),
        "universe": None if run.universe is None else run.universe.document(),
        "trials_total": None if run.count.tally is None else run.count.tally.trials,
        "elapsed_s": {"read": round(run.read_s, 3), "run": round(run.ran_s, 3)},
    }


def _report(run: Run, document: dict[str, Any]) -> dict[str, Any]:
    figures = numbers(document, (*run.result.figures, "held_return", "trials_total"))
    daily = run.result.days, run.result.daily
    year = run.markets[0].asset_class.days_per_year
    return content(named(document, [one.symbol for one in run.markets]), document, figures, daily, year)


def _ledger(run: Run) -> list[tuple[Market, list[Any]]]:
    """Trades by market; those of a joint pass say by index which is theirs."""
    if len(run.markets) == 1:
        return [(run.markets[0], list(run.result.trades))]
    return [(one, [t for t in run.result.trades if t.asset == i]) for i, one in enumerate(run.markets)]


def _print(run: Run, options: Options) -> None:
    first = run.markets[0]
    start = min(int(one.open_s[0]) for one in run.markets)
    end = max(int(one.open_s[-1]) + one.bar_s for one in run.markets)
    bars = sum(one.size for one in run.markets)
    params = ", ".join(f"{name} {text}" for name, text in _params(run.genome))
    print(f"{run.genome.family} on {run.symbols}{f': {params}' if params else ''}")
    print(f"{instant(start)} to {instant(end)} UTC, {bars:,} {bar_name(first.bar_s)} bars, {run.source}\n")
    interval = sharpe_interval(
        run.result.daily, run.result.figures["sharpe"], first.asset_class.days_per_year
    )
    print("\n".join(figure_lines(run.result.figures, first.bar_s, interval)))
    if len(run.markets) > 1:
        print("\nasset             trades   profit or loss")
        for one, trades in _ledger(run):
            closed = [t for t in trades if t.reason != "end"]
            print(f"{one.symbol:<16}{len(closed):>8,}{plain(sum(t.pnl for t in closed), 2, signed=True):>17}")
    held = sum(held_return(one) for one in run.markets) / len(run.markets)
    print(f"\nholding instead   {percent(held, 2, signed=True)}, without costs")
    _say("assumed", f"{'; '.join(reporting.assumptions(run.costs, run.capital, first))}.")
    for sentence in run.warnings:
        _say("beware", sentence)
    _say("trials", f"{ONE_TRIAL} {run.count.sentence if run.count.tally else ''}".rstrip())
    print(f"took              {run.read_s:.2f} s to read, {run.ran_s:.2f} s to run")
    for what, path in (("trades", options.trades), ("report", options.report)):
        if path is not None:
            print(f"{what:<18}{path}")


def _say(what: str, sentence: str) -> None:
    print("\n".join(textwrap.wrap(f"{what:<18}{sentence}", _WIDE, subsequent_indent=" " * 18)))
