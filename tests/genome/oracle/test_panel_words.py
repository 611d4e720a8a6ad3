"""Words that compare assets, inside genomes of a joint run: who leads, decided by hand."""

import pytest

from genome.genome import Genome
from genome.grammar import parse_condition
from genome.indicators import panel
from tests.genome.making import FREE, HOUR, START, bars
from tests.genome.oracle import both_joint
from tests.genome.oracle.panel import panel_word

NAN = float("nan")
UP, FLAT, DOWN = (100, 100, 110, 121, 121), (100, 100, 100, 100, 100), (100, 100, 90, 81, 81)


def trades(markets, entry, leave=None, **genes):
    genome = Genome(
        family="leads",
        entry_long=parse_condition(entry),
        exit_long=parse_condition(leave) if leave else None,
        genes=tuple(sorted(genes.items())),
    )
    found = both_joint.run(markets, genome, FREE).trades
    return [(t.entry_bar, t.exit_bar, t.entry_price) for t in found]


def both_of(name, n, markets):
    """Values at each bar of each market, the same by oracle and by engine."""
    slow = [panel_word(name, n, market, markets) for market in markets]
    for ours, theirs in zip(panel(name, (float(n),), markets), slow, strict=True):
        assert list(ours) == pytest.approx(theirs, rel=1e-12, abs=1e-15, nan_ok=True)
    return slow


def test_ranks_and_leads_are_among_those_that_have_one_at_the_instant():
    old, void = bars(*UP), bars(100, 100, None, 110, 110)
    listed = bars(50, 40, 40, start_s=START + 2 * HOUR)
    ranks = both_of("momentum_rank", 1, [old, void, listed])
    # roc(1): old − 0 .1 .1 0; void − 0 − .1 0 (its void bar is passed over); listed − − − −.2 0.
    assert ranks[0] == pytest.approx([NAN, 0.5, 0.5, 0.75, 0.5], nan_ok=True)
    assert ranks[1] == pytest.approx([NAN, 0.5, NAN, 0.75, 0.5], nan_ok=True)
    assert ranks[2] == pytest.approx([NAN, 0.0, 0.5], nan_ok=True)
    leads = both_of("relative_momentum", 1, [old, void, listed])
    assert leads[0] == pytest.approx([NAN, 0, 0, 0.1, 0], nan_ok=True, abs=1e-12)
    assert leads[2] == pytest.approx([NAN, -0.2, 0], nan_ok=True, abs=1e-12)


def test_the_leader_is_bought_at_the_next_open_and_left_when_it_leads_no_more():
    markets = [bars(*UP), bars(*FLAT), bars(*DOWN)]
    # At the close of bar 2 UP leads; at that of bar 4 nothing has moved and all are equal.
    assert trades(markets, "momentum_rank(1) > 0.9", "momentum_rank(1) < 0.9") == [(3, 4, 121.0)]
    assert trades(markets, "relative_momentum(1) < -0.05") == [(3, 4, 81.0)]


def test_what_is_unknown_is_no_entry_also_under_a_not():
    # There is no return over two bars before bar 2: `not` makes no entry of that at bars 1 and 2. Then DOWN does not lead.
    markets = [bars(*FLAT), bars(*DOWN)]
    assert trades(markets, "not momentum_rank(2) > 0.9") == [(3, 4, 81.0)]


def test_a_panel_word_is_a_source_and_a_signal_that_counts():
    markets = [bars(*UP), bars(*FLAT), bars(*DOWN)]
    # Mean of the ranks at bars 1 and 2: UP (0.5 + 1)/2.
    assert trades(markets, "sma(momentum_rank(1), 2) > 0.7") == [(3, 4, 121.0)]
    assert trades(markets, "momentum_rank(1) > 0.9 or close > 1000", confluence_minimum=1.0) == [
        (3, 4, 121.0)
    ]
    assert trades(markets, "momentum_rank(1) > 0.9 or close > 1000", confluence_minimum=2.0) == []
