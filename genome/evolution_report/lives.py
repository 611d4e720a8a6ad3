"""Who lives on: children by the operator that made them, words and genes by generation."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from genome.breeding.flat import GENE_NAMES
from genome.evolution.report import OPERATORS
from genome.evolution_report.story import Figures, Story
from genome.evolution_report.words import OPERATOR_NAMES
from genome.market import F64
from genome.reporting.charts import missing
from genome.reporting.courses import ratio, spark, times
from genome.reporting.numbers import DASH, percent
from genome.reporting.tables import table

_MOST = 14
_GENE = "gene "


def operators_table(story: Story) -> str:
    """Bred against survived, of the whole run and over generations."""
    bred = {name: _count(story, name, "bred") for name in OPERATORS}
    stayed = {name: _count(story, name, "survived") for name in OPERATORS}
    after = story.generations > 0  # founders are no children
    if not after.any():
        return missing(
            "operators",
            "Operators",
            "Nothing is known of any children: only founders were judged.",
        )
    shares = {name: _shares(stayed[name], bred[name], after) for name in OPERATORS}
    highest = _highest(shares.values())
    total, kept = sum(bred[n][after].sum() for n in OPERATORS), sum(stayed[n][after].sum() for n in OPERATORS)
    usual = ratio(float(kept), float(total))
    rows = []
    for name in sorted(OPERATORS, key=lambda one: -bred[one][after].sum()):
        born, lived = float(bred[name][after].sum()), float(stayed[name][after].sum())
        share = ratio(lived, born)
        label = OPERATOR_NAMES[name]
        rows.append((
            label, spark(shares[name], highest, f"{label}: up to {percent(highest, 0)} survived"), f"{born:,.0f}", f"{lived:,.0f}",
            percent(share, 0), times(ratio(share, usual)),
        ))  # fmt: skip
    rows.append(("all", "<td></td>", f"{total:,.0f}", f"{kept:,.0f}", percent(usual, 0), DASH))
    note = (
        f"Children since the founders; survived: still there when their generation was over. The line is the share that survived, "
        f"from 0 to {percent(highest, 0)}, from the first generation to the last. Success: that share over the one of all."
    )
    head = ("", "Over generations", "Bred", "Survived", "Share", "Success")
    return table("operators", "Operators", head, rows, note)


def _count(story: Story, name: str, what: str) -> F64:
    return story.over(lambda one: one["operators"][name][what])


def _shares(stayed: F64, bred: F64, after: NDArray[np.bool_]) -> F64:
    """Survival by generation; of long runs by stretches of generations, so that few children do not make noise."""
    stretches = np.array_split(np.flatnonzero(after), min(40, int(after.sum())))
    return np.array([ratio(float(stayed[s].sum()), float(bred[s].sum())) for s in stretches])


def survival_tables(story: Story) -> str:
    """Words beside genes."""
    return f'<div class="pair">{_words(story)}{_genes(story)}</div>'


def _words(story: Story) -> str:
    told = [one.get("prevalence", {}) for one in story.history]
    names = sorted({name for shares in told for name in shares if not name.startswith(_GENE)})
    if not names:
        return missing("words", "Words in conditions", "The store did not keep which words the living had.")
    shares = {name: np.array([s.get(name, 0.0) if s else np.nan for s in told], np.float64) for name in names}
    last = {name: _last(values) for name, values in shares.items()}
    order = sorted(names, key=lambda name: (-last[name], -_known(shares[name]).max(initial=0.0), name))
    highest = _highest(shares[name] for name in order[:_MOST])
    rows = [
        (
            name,
            spark(shares[name], highest, f"{name}: {_span(shares[name])}"),
            percent(_first(shares[name]), 0),
            percent(last[name], 0),
        )
        for name in order[:_MOST]
    ]
    gone = sum(_first(shares[name]) > 0.0 and last[name] == 0.0 for name in names)
    note = f"Share of the living that use a word, from 0 to {percent(highest, 0)}. {len(names):,} words were ever used"
    note += f", {gone:,} of the founders' have died out." if gone else "."
    return table("words", "Words in conditions", ("", "Over generations", "First", "Last"), rows, note)


def _genes(story: Story) -> str:
    alive = {name: _gene(story, name, "alive") for name in GENE_NAMES}
    born = {name: _gene(story, name, "born") for name in GENE_NAMES}
    carried = [name for name in GENE_NAMES if _known(alive[name]).max(initial=0.0) > 0.0]
    if not carried:
        return missing("genes", "Genes", "No living genome carries a gene.")
    order = sorted(carried, key=lambda name: (-_last(alive[name]), name))
    highest = _highest(alive[name] for name in order[:_MOST])
    rows = [
        (
            name.replace("_", " "), spark(alive[name], highest, f"{name}: {_span(alive[name])}"), percent(_first(alive[name]), 0),
            percent(_last(alive[name]), 0), times(ratio(_mean(alive[name]), _mean(born[name]))),
        )
        for name in order[:_MOST]
    ]  # fmt: skip
    note = f"Share of the living that carry a gene, from 0 to {percent(highest, 0)}. Kept: that share over the one among the newborn; above 1 selection keeps it."
    if len(carried) > _MOST:
        note += f" The {_MOST} most frequent of {len(carried)}."
    return table("genes", "Genes", ("", "Over generations", "First", "Last", "Kept"), rows, note)


def _gene(story: Story, name: str, what: str) -> F64:
    def share(one: Figures) -> float:
        return float(one["genes"][name][what])

    return story.over(share)


def _highest(many: Iterable[F64]) -> float:
    return max((float(_known(values).max(initial=0.0)) for values in many), default=0.0)


def _known(values: F64) -> F64:
    return values[np.isfinite(values)]


def _first(values: F64) -> float:
    known = _known(values)
    return float(known[0]) if known.size else float("nan")


def _last(values: F64) -> float:
    known = _known(values)
    return float(known[-1]) if known.size else float("nan")


def _mean(values: F64) -> float:
    known = _known(values)
    return float(known.mean()) if known.size else float("nan")


def _span(values: F64) -> str:
    return f"{percent(_first(values), 0)} at first, {percent(_last(values), 0)} at last"
