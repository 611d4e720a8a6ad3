"""What every venue must keep: subclass `VenueContract`, say how to open one, and inherit the tests.

A venue is spoken to in effects and answers in messages (`organs.motor.paper.port.Backend`).
"""

import time

from organism.effects import VenueAdvance, VenueCancel, VenueQuery, VenueReport
from organism.market import NS_PER_S
from organism.messages import Answer, CancelAnswered, QueryAnswered, ReportAnswered, SubmitAnswered
from organism.trading import OrderKind, Side
from tests.organs.motor.making import BAR_NS, START, D, X, bar, order, submission


class VenueContract:
    """`open(tmp_path)` gives a venue with `making.INSTRUMENTS`, no costs, and 10,000 USDT; it is closed at the end.

    Bars are given through `advance`: a venue with a market of its own would be played those prices.
    """

    def open(self, folder):
        raise NotImplementedError

    def now_ns(self):
        return time.monotonic_ns()

    def _ask(self, venue, effect):
        return venue.handle(effect, self.now_ns())

    def _submit(self, venue, client_order_id="c1", late_s=0.0, **changes):
        sent = self.now_ns() - round(late_s * NS_PER_S)
        given = {"quantity": "1", **changes}
        return self._ask(venue, submission(client_order_id, order(**given), sent_mono_ns=sent))

    def _advance(self, venue, n, *bars, since="", settle=False):
        effect = VenueAdvance(at_ns=START + n * BAR_NS, bars=bars, since=since, settle=settle)
        return self._ask(venue, effect)

    def _query(self, venue, client_order_id="c1"):
        return self._ask(venue, VenueQuery(client_order_id=client_order_id, symbol=X))

    def _report(self, venue, since=""):
        return self._ask(venue, VenueReport(since=since))

    def test_an_accepted_order_has_the_venues_id_and_is_found_open(self, venue):
        answer = self._submit(venue)
        assert type(answer) is SubmitAnswered
        assert answer.answer is Answer.ACCEPTED
        found = self._query(venue)
        assert type(found) is QueryAnswered
        assert found.answered
        assert (found.order.venue_order_id, found.order.status) == (answer.venue_order_id, "open")
        assert found.fills == ()

    def test_a_client_order_id_is_accepted_once_for_ever(self, venue):
        self._submit(venue)
        again = self._submit(venue)
        assert (again.answer, again.reason) == (Answer.REFUSED, "duplicate client order id")
        self._advance(venue, 1, bar(1))
        self._advance(venue, 2, bar(2))
        assert self._submit(venue).answer is Answer.REFUSED
        assert sum(f.quantity for f in self._report(venue).fills) == 1

    def test_the_id_of_a_refused_order_is_used_up_too(self, venue):
        assert self._submit(venue, quantity="1000").answer is Answer.REFUSED
        assert self._submit(venue).answer is Answer.REFUSED
        assert self._query(venue).order.status == "rejected"

    def test_a_request_that_comes_after_its_window_is_refused_and_never_takes_effect(self, venue):
        assert self._submit(venue, late_s=60.0).answer is Answer.REFUSED
        assert self._submit(venue, "c2", late_s=-60.0).answer is Answer.REFUSED, "stamped by another clock"
        self._advance(venue, 1, bar(1))
        assert self._report(venue).positions == ()

    def test_what_it_never_heard_of_it_says_it_does_not_know(self, venue):
        found = self._query(venue, "never")
        assert found.answered
        assert found.order is None
        assert found.fills == ()

    def test_an_order_never_fills_on_the_instant_that_was_over_when_it_came(self, venue):
        self._advance(venue, 1, bar(1))
        self._submit(venue, created_ns=START + BAR_NS)
        assert self._advance(venue, 1, bar(1)).fills == ()
        (fill,) = self._advance(venue, 2, bar(2)).fills
        assert (fill.client_order_id, fill.quantity, fill.at_ns) == ("c1", D(1), START + 2 * BAR_NS)

    def test_an_instant_told_again_executes_nothing_again_and_loses_nothing(self, venue):
        self._submit(venue)
        first = self._advance(venue, 1, bar(1))
        again = self._advance(venue, 1, bar(1))
        assert len(first.fills) == 1
        assert again.fills == first.fills
        assert self._advance(venue, 1, bar(1), since=first.fills[-1].trade_id).fills == ()
        assert self._report(venue).positions[0].quantity == 1

    def test_a_later_answer_holds_the_fills_of_one_that_was_lost(self, venue):
        self._submit(venue)
        lost = self._advance(venue, 1, bar(1))
        self._submit(venue, "c2")
        later = self._advance(venue, 2, bar(2))
        assert [f.client_order_id for f in later.fills] == ["c1", "c2"]
        assert later.fills[0] == lost.fills[0]

    def test_a_cursor_gives_every_later_fill_in_order_and_no_other(self, venue):
        for n in range(1, 5):
            self._submit(venue, f"c{n}")
            self._advance(venue, n, bar(n))
        fills = self._report(venue).fills
        assert [f.client_order_id for f in fills] == ["c1", "c2", "c3", "c4"]
        assert len({f.key for f in fills}) == 4
        for n, fill in enumerate(fills):
            assert self._report(venue, fill.trade_id).fills == fills[n + 1 :]

    def test_a_cancelled_order_never_fills_and_cancelling_again_is_refused(self, venue):
        self._submit(venue)
        cancel = VenueCancel(client_order_id="c1", symbol=X)
        first, again = self._ask(venue, cancel), self._ask(venue, cancel)
        assert type(first) is CancelAnswered
        assert (first.answer, again.answer) == (Answer.ACCEPTED, Answer.REFUSED)
        assert self._advance(venue, 1, bar(1)).fills == ()
        assert self._query(venue).order.status == "canceled"

    def test_cancelling_what_was_filled_is_refused_and_the_fill_is_found(self, venue):
        self._submit(venue)
        self._advance(venue, 1, bar(1))
        assert self._ask(venue, VenueCancel(client_order_id="c1", symbol=X)).answer is Answer.REFUSED
        found = self._query(venue)
        assert (found.order.status, found.order.filled) == ("filled", D(1))
        assert [f.quantity for f in found.fills] == [D(1)]

    def test_its_report_is_its_whole_account(self, venue):
        self._submit(venue)
        self._advance(venue, 1, bar(1, 100.0))
        self._submit(venue, "c2", kind=OrderKind.LIMIT, limit_price=D(90))
        report = self._report(venue)
        assert type(report) is ReportAnswered
        assert report.answered
        assert [(p.symbol, p.quantity) for p in report.positions] == [(X, D(1))]
        assert [o.client_order_id for o in report.open_orders] == ["c2"]
        assert report.cash == D(9_900)

    def test_reduce_only_never_flips_a_position(self, venue):
        assert self._submit(venue, side=Side.SELL, reduce_only=True).answer is Answer.REFUSED
        self._submit(venue, "c2")
        self._advance(venue, 1, bar(1))
        self._submit(venue, "c3", side=Side.SELL, quantity="5", reduce_only=True)
        self._advance(venue, 2, bar(2))
        assert self._report(venue).positions == ()
        found = self._query(venue, "c3").order
        assert (found.status, found.filled) == ("canceled", D(1))

    def test_a_resting_stop_fills_when_its_price_trades(self, venue):
        self._submit(venue)
        self._advance(venue, 1, bar(1))
        self._submit(
            venue, "c2", side=Side.SELL, kind=OrderKind.STOP, stop_price=D(95), reduce_only=True
        )  # fmt: skip
        assert self._advance(venue, 2, bar(2, 100.0, low=95.5), since="paper-1").fills == ()
        (fill,) = self._advance(venue, 3, bar(3, 98.0, low=94.0), since="paper-1").fills
        assert fill.price == D(95)

    def test_a_settlement_leaves_nothing_resting_and_nothing_held(self, venue):
        self._submit(venue)
        self._advance(venue, 1, bar(1))
        self._submit(venue, "c2", kind=OrderKind.LIMIT, limit_price=D(90))
        settled = self._advance(venue, 2, bar(2, 100.0, close=110.0), since="paper-1", settle=True)
        (fill,) = settled.fills
        assert fill.client_order_id == f"settle:{START + 2 * BAR_NS}:{X}"
        assert [(o.client_order_id, o.status) for o in settled.orders] == [("c2", "canceled")]
        report = self._report(venue)
        assert (report.positions, report.open_orders, report.cash) == ((), (), D(10_010))
