"""The run generation by generation: Sharpe, hypervolume, diversity, and the work that it was."""

import numpy as np

from genome.evolution_report.story import Figures, Setting, Story
from genome.evolution_report.words import by_luck
from genome.reporting.courses import Course, course_chart, ratio
from genome.reporting.numbers import percent, plain
from genome.reporting.tables import table

_ROWS = 40
_NOBODY = "Nobody held the constraints in any generation, so there is no Sharpe to draw."


def sharpe_chart(story: Story, setting: Setting) -> str:
    """Best and median of the living, and what luck alone would show."""
    best = story.over(lambda one: one["best"]["sharpe"])
    median = story.over(lambda one: one["median"]["sharpe"])
    told = [
        f"{_name(one)}: best {plain(b, 2, signed=True)}, median {plain(m, 2, signed=True)}, {one['front']:,} on the front"
        for one, b, m in zip(story.history, best.tolist(), median.tolist(), strict=True)
    ]
    bar = by_luck(story, setting)
    return course_chart(
        "sharpe", "Sharpe over generations", story.generations,
        (Course(best, "main", "best"), Course(median, "faint", "median of the living")), told, "number", zero=True,
        level=(bar, "the best by luck alone") if bar > 0.0 else None, empty=_NOBODY,
        note="A year, in sample, after costs, of those of the living that hold all constraints.",
    )  # fmt: skip


def breadth_charts(story: Story) -> str:
    """Hypervolume beside diversity."""
    volume, diversity = story.over(lambda one: one["hypervolume"]), story.over(lambda one: one["diversity"])
    feasible = story.over(lambda one: one["feasible"])
    volume_told = [
        f"{_name(one)}: {plain(v, 1)}, {one['front']:,} on the front of the living"
        for one, v in zip(story.history, volume.tolist(), strict=True)
    ]
    spread_told = [
        f"{_name(one)}: diversity {plain(d, 2)}, {percent(f, 0)} hold all constraints, {one['distinct']:,} of {one['members']:,} distinct"
        for one, d, f in zip(story.history, diversity.tolist(), feasible.tolist(), strict=True)
    ]
    drawn = volume if (volume > 0.0).any() else np.full_like(volume, np.nan)
    reference = ", ".join(plain(x, 0) for x in story.found.state.plan.reference)
    front = course_chart(
        "hypervolume", "Front over generations", story.generations, (Course(drawn, "main", "hypervolume", area=True),),
        volume_told, "number", zero=True, empty="Nobody held all constraints, so nothing is dominated.",
        note=f"What the hall of fame dominates of Sharpe × consistency × drawdown × turnover, from ({reference}). It falls "
        "where the hall is full, or one goes that behaves like another.",
    )  # fmt: skip
    diverse = course_chart(
        "diversity", "Diversity", story.generations,
        (Course(diversity, "main", "behaviour"), Course(feasible, "faint", "hold all constraints")), spread_told, "percent",
        zero=True, note="Mean of 1 − correlation of daily returns over all pairs of the living; 0 % is a herd.",
    )  # fmt: skip
    return f'<div class="pair">{front}{diverse}</div>'


def work_charts(story: Story) -> str:
    """Evaluations a second beside what became of the newborn."""
    rate = story.over(lambda one: ratio(one["evaluated"], one["seconds"]))
    outside = story.over(lambda one: 1.0 - ratio(one["judged_s"], one["seconds"]))
    evaluated = story.over(lambda one: one["evaluated"])
    hits, doubles = story.over(lambda one: one["cache_hits"]), story.over(lambda one: one["duplicates"])
    rate_told = [
        f"{_name(one)}: {plain(r, 0)} a second, {percent(o, 0)} of the time outside the simulator"
        for one, r, o in zip(story.history, rate.tolist(), outside.tolist(), strict=True)
    ]
    newborn_told = [
        f"{_name(one)}: {one['evaluated']:,} judged, {one['cache_hits']:,} remembered, {one['duplicates']:,} left out as doubles"
        for one in story.history
    ]
    speed = course_chart(
        "speed", "Evaluations a second", story.generations, (Course(rate, "main"),), rate_told, "number", zero=True,
        empty="The store does not tell how long generations took.", note=_speed_note(story),
    )  # fmt: skip
    newborn = course_chart(
        "newborn", "Newborn", story.generations,
        (Course(evaluated, "main", "judged"), Course(hits, "watch", "remembered (cache hits)"), Course(doubles, "faint", "doubles, left out")),
        newborn_told, "number", zero=True,
        note=f"{plain(float(np.nansum(hits)), 0)} cache hits and {plain(float(np.nansum(evaluated)), 0)} evaluations in all. A cache hit is no new trial.",
    )  # fmt: skip
    return f'<div class="pair">{speed}{newborn}</div>'


def _speed_note(story: Story) -> str:
    timed = [one for one in story.history if "seconds" in one]
    seconds, judged = (sum(float(one[name]) for one in timed) for name in ("seconds", "judged_s"))
    if not seconds:
        return ""
    return (
        f"Of distinct genomes, from breeding to the count. {percent(1.0 - judged / seconds, 0)} of the time was spent outside the "
        "simulator."
    )


def _name(one: Figures) -> str:
    return f"Generation {one['generation']:,}"


def generations_table(story: Story) -> str:
    """Every generation, or an even choice of many; folded, for whoever wants the numbers."""
    n = len(story.history)
    if not n:
        return ""
    stride = -(-n // _ROWS)
    shown = [one for i, one in enumerate(story.history) if i % stride == 0 or i == n - 1]
    head = (
        "",
        "Sharpe, best",
        "Median",
        "Hypervolume",
        "Front",
        "Diversity",
        "Feasible",
        "Judged",
        "Cache hits",
        "Aged",
        "Migrated",
        "Nodes",
    )
    rows = [
        (
            f"{one['generation']:,}", _two(one["best"]["sharpe"]), _two(one.get("median", {}).get("sharpe")), _one(one["hypervolume"]),
            f"{one['front']:,}", _two(one["diversity"]), percent(one["feasible"], 0), f"{one['evaluated']:,}", f"{one['cache_hits']:,}",
            f"{one['aged']:,}", f"{one['migrated']:,}", plain(one["mean_nodes"], 1),
        )
        for one in shown
    ]  # fmt: skip
    note = "Aged: died of age. Migrated: came from another island. Nodes: mean size of the living."
    if stride > 1:
        note += f" Every {stride:,}th of {n:,} generations."
    inner = table("generations", "", head, rows, note)
    return f"<details><summary><b>Generation by generation</b></summary>{inner}</details>"


def _two(value: float | None) -> str:
    return plain(float("nan") if value is None else value, 2)


def _one(value: float | None) -> str:
    return plain(float("nan") if value is None else value, 1)
