"""The page of a run, in the order in which a person asks: what came of it, whether to believe it, how it went, who is best."""

from html import escape
from pathlib import Path

from genome.evolution_report.best import assumed_of, front_chart, genomes, on_price
from genome.evolution_report.course import breadth_charts, generations_table, sharpe_chart, work_charts
from genome.evolution_report.lives import operators_table, survival_tables
from genome.evolution_report.story import Setting, Story
from genome.evolution_report.words import by_luck, cautions, counted, headline, looks
from genome.reporting.courses import ratio
from genome.reporting.numbers import bar_name, date, percent, plain
from genome.reporting.shell import Tile, assumed, beware, shell, tiles, write_page

_NAMED = 6


def write(path: Path, story: Story, setting: Setting) -> None:
    """Write the page. Raises `BadInput` where the file cannot be written."""
    write_page(path, page(story, setting))


def page(story: Story, setting: Setting) -> str:
    """One HTML document; the same for the same story."""
    name = _name(setting)
    body = (
        f'<header><p class="eyebrow">{escape(f"Evolution · {name} · {_span(setting)}")}</p><h1>{escape(headline(story, setting))}</h1>'
        f'<p class="trial">{escape(counted(story, setting))}</p></header>'
        + tiles(_tiles(story, setting))
        + beware(cautions(story, setting))
        + sharpe_chart(story, setting)
        + front_chart(story, setting)
        + breadth_charts(story)
        + genomes(story)
        + on_price(story, setting)
        + operators_table(story)
        + survival_tables(story)
        + work_charts(story)
        + generations_table(story)
        + assumed("What was run", _rows(story, setting))
    )
    return shell(f"{name}: evolution", body)


def _name(setting: Setting) -> str:
    return setting.markets[0].symbol if len(setting.markets) == 1 else f"{len(setting.markets)} assets"


def _span(setting: Setting) -> str:
    start = min(int(one.open_s[0]) for one in setting.markets)
    end = max(int(one.open_s[-1]) + one.bar_s for one in setting.markets)
    return f"{date(start)} to {date(end - 1)}, {bar_name(setting.markets[0].bar_s)} bars"


def _tiles(story: Story, setting: Setting) -> tuple[Tile, ...]:
    found, front, bar = story.found, story.found.front, by_luck(story, setting)
    best = front[0].objectives[0] if front else float("nan")
    seconds = [one["seconds"] for one in story.history if "seconds" in one]
    timed = sum(one["evaluated"] for one in story.history if "seconds" in one)
    rate = (
        ratio(timed, sum(seconds))
        if seconds
        else ratio(sum(r.evaluated for r in found.reports), found.seconds)
    )
    return (
        ("Best Sharpe", plain(best, 2, signed=True), "in sample, after costs", best if front else 0.0),
        ("By luck alone", plain(bar, 2, signed=True), f"the best of {looks(story):,} without edge", 0.0),
        (
            "Hall of fame",
            f"{len(front):,}",
            "none beats another"
            if len(front) > 1
            else "nobody beats it"
            if front
            else "nobody held all constraints",
            0.0,
        ),
        ("Judged", f"{found.state.evaluated:,}", f"{plain(rate, 0)} a second", 0.0),
    )


def _rows(story: Story, setting: Setting) -> list[tuple[str, str]]:
    found, plan = story.found, story.found.state.plan
    symbols = sorted(one.symbol for one in setting.markets)
    listed = ", ".join(symbols[:_NAMED]) + (
        f" and {len(symbols) - _NAMED:,} more" if len(symbols) > _NAMED else ""
    )
    rates = ", ".join(
        f"{name} {percent(share, 0)}"
        for name, share in zip(("crossover", "subtree", "point", "constant"), plan.rates, strict=True)
    )
    bred = (
        f"{plan.population:,} genomes on {plan.islands:,} islands, {found.state.generation:,} of {plan.generations:,} generations, "
        f"seed {plan.seed}; {rates}, newcomers {percent(plan.newcomers, 0)}, novelty {percent(plan.novelty, 0)}"
    )
    judged = (
        "Sharpe, consistency, drawdown and turnover at a common volatility of 10 % a year; at least "
        f"{setting.fewest_trades:,} closed trades"
    )
    rows = [
        ("Bars", f"{setting.source}: {sum(one.size for one in setting.markets):,} bars of {listed}"),
        ("Plan", bred),
        ("Judged by", judged),
        ("Assumed", assumed_of(setting)),
        ("Again", "the same seed, plan and data give the same genomes, with any number of workers"),
    ]
    if found.run is not None:
        rows.append(
            (
                "Kept",
                f"run {found.run} in genome.db: each birth, each death, each front, each trial; organism genome lineage ID tells of anybody's ancestors, and draws them with --report",
            )
        )
    return rows
