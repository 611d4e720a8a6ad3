"""What a breeder may know: the bars that the body has lived, and none after them."""

import pytest

from genome.background.lived import History, JournalOfBars
from organism.market import NS_PER_S
from organism.settings import PaperSettings
from organs.nervous.bundled import watched_instruments
from tests.genome.background.lives import BAR_S, SYMBOLS, Past, instant, same

INSTRUMENTS = watched_instruments(SYMBOLS, PaperSettings())


@pytest.fixture
def past(tmp_path):
    found = Past(tmp_path)
    yield found
    found.close()


def heard(instants, most=1_000):
    history = History(most)
    for message in instants:
        history.hear(message)
    return history


def test_no_bar_closes_after_what_the_body_has_seen_and_later_bars_change_nothing():
    history = heard(instant(n) for n in range(200))
    span = history.longest
    before = history.markets(span, INSTRUMENTS)
    assert {int(m.open_s[-1]) + m.bar_s for m in before} == {span.until_ns // NS_PER_S}
    for n in range(200, 400):
        history.hear(instant(n))
    after = history.markets(span, INSTRUMENTS)
    assert len(before) == len(after) == len(SYMBOLS)
    assert all(same(one, other) for one, other in zip(before, after, strict=True))


def test_only_what_is_durable_in_the_journal_is_known(past, tmp_path):
    past.live(instant(n) for n in range(50))
    reading, history = JournalOfBars(tmp_path), History(1_000)
    assert reading.more(history, lambda: None) == 50
    assert history.longest.until_ns == instant(49).at_ns
    assert reading.more(history, lambda: None) == 0
    past.live(instant(n) for n in range(50, 60))
    assert reading.more(history, lambda: None) == 10
    assert (history.longest.bars, history.longest.until_ns) == (60, instant(59).at_ns)


def test_the_markets_hold_the_bars_as_they_were_lived():
    history = heard(instant(n) for n in range(30))
    btc, eth = history.markets(history.longest, INSTRUMENTS)
    assert (btc.symbol, eth.symbol, btc.bar_s) == (*SYMBOLS, BAR_S)
    for n in (0, 17, 29):
        bar = instant(n).bars[1]
        found = [eth.column(name)[n] for name in ("open", "high", "low", "close", "volume")]
        assert found == [bar.open, bar.high, bar.low, bar.close, bar.volume]
    assert btc.tick == float(INSTRUMENTS[0].tick)


def test_prices_before_a_seam_are_no_history_and_of_equally_long_sessions_the_first_is_kept():
    history = heard(instant(n, 1) for n in range(40))
    for n in range(40, 80):
        history.hear(instant(n, 2))
    assert (history.longest.session, history.longest.bars) == (1, 40)
    history.hear(instant(80, 2))
    assert (history.longest.session, history.longest.bars) == (2, 41)
    assert (
        int(history.markets(history.longest, INSTRUMENTS)[0].open_s[0])
        == instant(40).bars[0].open_ns // NS_PER_S
    )


def test_an_instant_that_comes_again_after_a_restart_counts_once():
    history = heard([*(instant(n) for n in range(20)), instant(19), instant(5), instant(20)])
    assert history.longest.bars == 21


def test_a_long_life_stays_small_and_a_round_that_was_begun_can_go_on():
    history = heard((instant(n) for n in range(100)), most=100)
    begun = history.longest
    before = history.markets(begun, INSTRUMENTS)
    for n in range(100, 200):
        history.hear(instant(n))
    assert history.holds(begun)
    assert all(same(a, b) for a, b in zip(before, history.markets(begun, INSTRUMENTS), strict=True))
    for n in range(200, 1_000):
        history.hear(instant(n))
    assert not history.holds(begun)
    assert (history.longest.bars, history.longest.until_ns) == (100, instant(999).at_ns)
    assert history.markets(history.longest, INSTRUMENTS)[0].size == 100


def test_a_symbol_that_never_traded_is_left_out():
    few = [msg for n in range(30) if (msg := instant(n))]
    history = History(100)
    for message in few:
        history.hear(
            type(message)(at_ns=message.at_ns, session=1, bars=message.bars[:1], missing=(SYMBOLS[1],))
        )
    assert [m.symbol for m in history.markets(history.longest, INSTRUMENTS)] == [SYMBOLS[0]]
