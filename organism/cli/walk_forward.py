"""`organism walk-forward STRATEGY`: searched in one window, tested in the next, again and again."""

import time
from dataclasses import replace
from typing import Any

from genome.tuning.documents import walk_document
from genome.tuning.terminal import stability_lines, stitched_lines, walk_lines
from genome.tuning.walk_forward import Walk, walk_forward
from genome.tuning.windows import PRESETS, Plan, windows
from genome.tuning.words import looked_walk, verdict, walk_warnings
from organism.cli.context import emit, state_folder
from organism.cli.parser import Options
from organism.cli.progress import Compiling, Progress
from organism.cli.reported import content, keep, named, numbers
from organism.cli.tuning import INTERRUPTED, Looks, Question, foot, head, question, say, telling_nothing
from organism.errors import BadInput


def perform(options: Options) -> int:
    """Walk, print, and write what was asked for; 130 where it was interrupted."""
    plan = _plan(options)
    asked = question(options)
    began_s = time.monotonic()
    with Looks(asked, options) as looks, telling_nothing("before the first window was whole"):
        walk = _walked(asked, looks, plan, options)
    took_s = time.monotonic() - began_s
    said = (*asked.warnings, *looks.warnings)
    if options.report is not None:
        from genome.tuning.report import write_walk

        write_walk(options.report, walk, asked.source, said, looks.sentence)
    document = walk_document(walk)
    document["warnings"] = [*said, *document["warnings"]]
    document |= looks.document
    document |= {"source": asked.source, "proxies": list(asked.proxies), "elapsed_s": round(took_s, 3)}
    keep(state_folder(options), "walk-forward", lambda: _report(asked, walk, document))
    if options.json:
        emit(document)
    else:
        _print(asked, looks, walk, options, took_s)
    return INTERRUPTED if walk.ended == "interrupted" else 0


def _report(asked: Question, walk: Walk, document: dict[str, Any]) -> dict[str, Any]:
    figures = document["out_of_sample"] | numbers(
        document, ("in_sample_sharpe", "efficiency", "won", "planned", "trials", "trials_new", "trials_total")
    )
    market = asked.setting.market
    daily = walk.days, walk.returns
    return content(
        named(document, [market.symbol]), document, figures, daily, market.asset_class.days_per_year
    )


def _plan(options: Options) -> Plan:
    if options.preset is not None and (options.train is not None or options.test is not None):
        raise BadInput("--preset names both lengths; leave it out, or leave out --train and --test.")
    plan = PRESETS[options.preset or "365/90"]
    given = {name: value for name in ("train", "test") if (value := getattr(options, name)) is not None}
    return replace(plan, **given, anchored=options.anchored, gap=options.purge)


def _walked(asked: Question, looks: Looks, plan: Plan, options: Options) -> Walk:
    market = asked.setting.market
    planned = windows(market, plan, asked.space.lookback(market.bar_s))
    with Compiling(), Progress("walking") as bar:

        def told(k: int, total: int, done: int, allowed: int) -> None:
            bar(k * allowed + done, total * allowed, f"trials, window {k + 1} of {total}")

        return walk_forward(
            asked.space, looks.setting, plan, planned, asked.metric, method=options.method, trials=options.trials,
            seed=options.seed, progress=told,
        )  # fmt: skip


def _print(asked: Question, looks: Looks, walk: Walk, options: Options, took_s: float) -> None:
    plan, first = walk.plan, walk.planned[0]
    head(asked, options)
    kind = "all bars from the first on" if plan.anchored else f"{plan.train} {plan.days_name}"
    left_out = first.test_from - first.train_to
    print("\n".join(walk_lines(walk)))
    print(
        f"\nlearned from {kind}, tested on {plan.test} {plan.days_name}, {left_out:,} bars left out between them\n"
    )
    print("\n".join((*stitched_lines(walk), "", *stability_lines(walk), "")))
    say("verdict", verdict(walk))
    foot(asked, (*looks.warnings, *walk_warnings(walk)), f"{looked_walk(walk)} {looks.sentence}".rstrip())
    print(f"took        {took_s:.2f} s")
    if options.report is not None:
        print(f"report      {options.report}")
