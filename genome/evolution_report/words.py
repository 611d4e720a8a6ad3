"""A run of evolution in words: what came of it, how often somebody looked, and what to beware of."""

import math
from collections.abc import Sequence

from genome.evolution.report import OPERATORS
from genome.evolution_report.story import Setting, Story
from genome.evolve import STOPPED
from genome.reporting.numbers import percent, plain
from genome.tuning.words import luck

MOST_SENTENCES = 8
_LEAST_DIVERSITY = 0.1
_NAMED = ("genes alone", "crossover", "subtree mutation", "point mutation", "constant mutation", "newcomers")
OPERATOR_NAMES = dict(zip(OPERATORS, _NAMED, strict=True))


def looks(story: Story) -> int:
    """How many looks that behave differently luck had to choose from: of all runs on these bars, as far as counted."""
    tally = story.found.tally
    return story.found.state.evaluated if tally is None else tally.clusters


def by_luck(story: Story, setting: Setting) -> float:
    """Annual Sharpe ratio to be expected of the best of so many without any edge; see `genome.tuning.words.luck`."""
    return luck(looks(story), len(story.found.state.days), setting.days_per_year)


def headline(story: Story, setting: Setting) -> str:
    """What came of it, in a sentence or two."""
    state, front = story.found.state, story.found.front
    size = state.plan.population
    bred = (
        f"{_several(state.generation, 'generation')} of {size:,} genomes"
        if state.generation
        else f"{size:,} founders"
    )
    if not front:
        among = f"In {bred}" if state.generation else f"Of {bred}"
        return f"{among} nobody closed {setting.fewest_trades:,} trades: nothing was found."
    best = front[0].objectives[0]
    hall = (
        f"{len(front):,} strategies, none of which beats another"
        if len(front) > 1
        else "one strategy that nobody beats"
    )
    if not state.generation:
        return f"{bred} were judged and not bred from yet; among them {'are' if len(front) > 1 else 'is'} {hall}. The best Sharpe in sample is {_number(best)}."
    head = f"{bred} left {hall}. The best Sharpe in sample is {_number(best)}"
    begun = founders_best(story)
    return f"{head}; the best founder had {_number(begun)}." if math.isfinite(begun) else f"{head}."


def founders_best(story: Story) -> float:
    """The highest Sharpe of the founders; NaN where it is not known."""
    if not story.history or story.history[0]["generation"] != 0:
        return math.nan
    return float(story.over(lambda one: one["best"]["sharpe"])[0])


def counted(story: Story, setting: Setting) -> str:
    """How often somebody looked, and what that alone would show."""
    found = story.found
    tally, days = found.tally, len(found.state.days)
    said = f"{found.state.evaluated:,} genomes were judged in this run"
    if tally is not None:
        said += (
            f"; {tally.trials:,} trials are counted on these bars and bars that overlap them, and {tally.clusters:,} of them "
            "behave differently"
        )
    bar = by_luck(story, setting)
    if bar > 0.0:
        said += (
            f". The best of so many looks good by luck alone: without any edge it would be expected to show a Sharpe of about "
            f"{plain(bar, 1)} on {days:,} days"
        )
    return f"{said}. Nothing here is funded."


def cautions(story: Story, setting: Setting) -> tuple[str, ...]:
    """What to beware of."""
    found, front = story.found, story.found.front
    state, said = found.state, _bounded(setting.warnings)
    if found.outcome == STOPPED:
        said.append(
            f"Stopped after generation {state.generation} of {state.plan.generations}; the same command with --resume goes on."
        )
    bar = by_luck(story, setting)
    if front and bar > 0.0 and not front[0].objectives[0] > bar:
        said.append(
            f"The best Sharpe, {_number(front[0].objectives[0])}, is not above the {plain(bar, 2)} that luck alone would show: "
            "nothing says that it has an edge."
        )
    if not front:
        said.append("Nobody traded often enough to be judged; give more bars, or lower --min-trades.")
    diversity = story.over(lambda one: one["diversity"])
    if diversity.size and diversity[-1] < _LEAST_DIVERSITY:
        said.append(
            f"The living behave alike: their diversity is {plain(float(diversity[-1]), 2)}. More islands or another seed look "
            "elsewhere."
        )
    if story.lost:
        said.append(
            f"What {_several(story.lost, 'generation')} had to tell is not in the store, or not what was written; the charts "
            "leave them out."
        )
    return tuple(said)


def _bounded(said: Sequence[str]) -> list[str]:
    """A hundred markets have much to say of their bars."""
    if len(said) <= MOST_SENTENCES:
        return list(said)
    return [
        *said[:MOST_SENTENCES],
        f"… and {len(said) - MOST_SENTENCES:,} more about the bars; --json has them all.",
    ]


def worth(objectives: Sequence[float], trades: float) -> str:
    """The figures of a genome on one line."""
    sharpe, consistency, drawdown, turnover = objectives
    return (
        f"Sharpe {_number(sharpe)}, consistency {plain(consistency, 2)}, drawdown {percent(-drawdown)}, "
        f"turnover {plain(-turnover, 1)} a year, {plain(trades, 0)} trades"
    )


def _several(n: int, noun: str) -> str:
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def _number(value: float) -> str:
    return plain(value, 2, signed=True)
