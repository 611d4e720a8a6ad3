"""`organism optimize STRATEGY`: the parameters of one strategy, searched over bounds."""

import math
import time
from pathlib import Path
from typing import Any

from genome.tuning.documents import n_days, search_document
from genome.tuning.judging import Window
from genome.tuning.search import Search, search
from genome.tuning.terminal import search_lines
from genome.tuning.words import looked, metric_name, search_warnings, written
from organism.cli.context import emit, state_folder
from organism.cli.parser import Options
from organism.cli.progress import Compiling, Progress
from organism.cli.reported import content, keep, named, numbers
from organism.cli.tuning import INTERRUPTED, Looks, Question, foot, head, question, telling_nothing
from organism.errors import BadInput


def perform(options: Options) -> int:
    """Search, print, and write what was asked for; 130 where it was interrupted."""
    asked = question(options)
    began_s = time.monotonic()
    with Looks(asked, options) as looks, telling_nothing("before anything was looked at"):
        found = _searched(asked, looks, options)
    took_s = time.monotonic() - began_s
    said = (*asked.warnings, *looks.warnings)
    if options.out is not None:
        _write(options.out, found)
    if options.report is not None:
        from genome.tuning.report import write_search

        write_search(options.report, found, asked.setting, asked.source, said, looks.sentence)
    document = search_document(found, asked.setting)
    document["warnings"] = [*said, *document["warnings"]]
    document |= looks.document
    document |= {"source": asked.source, "proxies": list(asked.proxies), "elapsed_s": round(took_s, 3)}
    keep(state_folder(options), "optimize", lambda: _report(asked, found, document))
    if options.json:
        emit(document)
    else:
        _print(asked, looks, found, options, took_s)
    return INTERRUPTED if found.ended == "interrupted" else 0


def _searched(asked: Question, looks: Looks, options: Options) -> Search:
    judge = Window(looks.setting, 0, asked.setting.market.size, "optimize")
    with Compiling(), Progress("searching") as bar:

        def told(done: int, allowed: int, best: float) -> None:
            name = metric_name(asked.metric.name)
            bar(
                done,
                allowed,
                f"best {name} {written(asked.metric.name, best)}" if math.isfinite(best) else "",
            )

        return search(
            asked.space, judge, asked.metric, method=options.method, trials=options.trials, seed=options.seed, progress=told
        )  # fmt: skip


def _report(asked: Question, found: Search, document: dict[str, Any]) -> dict[str, Any]:
    """The best point with its daily returns; it was looked at before, so nobody counts this look."""
    market = asked.setting.market
    best = Window(asked.setting, 0, market.size, "optimize")([found.genome])
    figures = {name: value for name, value in document["best"].items() if name in best.figures}
    figures |= numbers(
        document, ("trials", "valid", "neighbourhood", "luck_sharpe", "trials_new", "trials_total")
    )
    year = market.asset_class.days_per_year
    return content(named(document, [market.symbol]), document, figures, (best.days, best.returns[0]), year)


def _write(path: Path, found: Search) -> None:
    try:
        path.write_text(found.genome.to_json() + "\n", encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}.") from None


def _print(asked: Question, looks: Looks, found: Search, options: Options, took_s: float) -> None:
    market = asked.setting.market
    head(asked, options)
    print("\n".join(search_lines(found)) + "\n")
    said = looked(found, n_days(market), float(market.asset_class.days_per_year))
    foot(asked, (*looks.warnings, *search_warnings(found)), f"{said} {looks.sentence}".rstrip())
    print(f"took        {took_s:.2f} s, {found.trials / max(took_s, 1e-9):,.0f} a second")
    for what, path in (("genome", options.out), ("report", options.report)):
        if path is not None:
            print(f"{what:<12}{path}")
