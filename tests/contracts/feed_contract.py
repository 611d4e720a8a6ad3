"""What every feed must keep: subclass `FeedContract`, say how to play one, and inherit the tests."""

from itertools import islice, pairwise

from organism.market import NS_PER_S
from organs.nervous.state import Cursor

DAY_NS = 86_400 * NS_PER_S


def followed(instants):
    """Pairs of an instant and the cursor that market data would hold after hearing it."""
    cursor = None
    for instant in instants:
        same = cursor is not None and (cursor.feed, cursor.session) == (instant.feed, instant.session)
        origin_ns = cursor.origin_ns if same else instant.at_ns
        cursor = Cursor(feed=instant.feed, session=instant.session, at_ns=instant.at_ns, origin_ns=origin_ns)
        yield instant, cursor


class FeedContract:
    """`settings` has a short session (`max_bars` > 0); `play(settings, after)` gives the feed's instants."""

    settings = None

    def play(self, after=None):
        raise NotImplementedError

    def sessions(self, n=2):
        return list(islice(self.play(), n * self.settings.max_bars + 3))

    def test_market_time_only_rises_over_sessions_too(self):
        instants = self.sessions(3)

        assert all(b.at_ns > a.at_ns for a, b in pairwise(instants))

    def test_a_session_warms_up_then_trades_then_closes_and_ends_once(self):
        settings = self.settings
        instants = self.sessions()[: settings.max_bars]

        assert [i.warmup for i in instants] == [n < settings.warmup_bars for n in range(settings.max_bars)]
        n_open = settings.max_bars - settings.closing_bars
        assert [i.closing for i in instants] == [n >= n_open for n in range(settings.max_bars)]
        assert [i.final for i in instants] == [False] * (settings.max_bars - 1) + [True]
        assert {i.session for i in instants} == {1}

    def test_the_next_session_is_numbered_on_and_warms_up_again_at_the_same_time_of_day(self):
        instants = self.sessions()
        first, second = instants[0], instants[self.settings.max_bars]

        assert (first.session, second.session) == (1, 2)
        assert second.warmup
        assert (second.at_ns - first.at_ns) % DAY_NS == 0

    def test_every_bar_belongs_to_its_instant_and_is_sane(self):
        for instant in self.sessions():
            assert [b.symbol for b in instant.bars] == list(self.settings.symbols)
            for bar in instant.bars:
                assert bar.close_ns == instant.at_ns
                assert bar.close_ns - bar.open_ns == self.settings.bar_s * NS_PER_S
                assert 0 < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
                assert bar.volume >= 0

    def test_playing_again_gives_the_same(self):
        assert self.sessions() == self.sessions()

    def test_it_resumes_exactly_after_any_cursor(self):
        """Stopped anywhere, going on gives what would have come, and nothing twice."""
        n_all = 2 * self.settings.max_bars + 3
        played = list(islice(followed(self.play()), n_all))
        last = self.settings.max_bars - 1
        for at in sorted({*range(0, n_all - 1, 5), last - 1, last, last + 1}):
            _, cursor = played[at]
            rest = list(islice(self.play(cursor), n_all - at - 1))
            assert rest == [instant for instant, _ in played[at + 1 :]], f"after instant {at}"
