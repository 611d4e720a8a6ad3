"""Where an instrument is stopped, and who stopped it: unusual days, written by hand."""

import pytest

from dashboard.pages import why
from dashboard.reading import EVER
from organism.effects import Publish
from organism.messages import ClosePositions, DenialReason, EntriesBarred, StrategyFunded, TradingStateChanged
from organism.trading import Purpose, Standing, TradingState
from tests.dashboard.reading.lives import SYMBOL, Hand, read


@pytest.fixture
def day(tmp_path):
    """A hand that writes, and a way to read what it wrote."""
    with Hand(tmp_path) as hand:
        opened = []

        def reading():
            hand.journal.flush()
            for one in opened:
                one.close()
            opened.append(read(tmp_path))
            return opened[-1]

        hand.reading = reading
        yield hand
        for one in opened:
            one.close()


def gate(day, symbol=SYMBOL):
    reading = day.reading()
    found = reading.gate(symbol, day.at_ns)
    reading.close()
    return found


def test_a_bar_that_did_not_come_in_time(day):
    day.bar(symbol="ETH/USDT", missing=(SYMBOL,))
    found = gate(day)
    assert found["stopped"] == "no_bar"
    assert "did not come in time" in found["sentence"]


def test_warm_up_and_the_end_of_a_session(day):
    day.bar(warmup=True)
    assert gate(day)["stopped"] == "warm_up"
    day.bar(closing=True)
    assert gate(day)["stopped"] == "closing"


def test_no_change_of_the_forecast_says_what_was_acted_on_before(day):
    day.bar()
    assert "nothing had been acted on before" in gate(day)["sentence"]
    day.target(day.bar(), forecast=0.25)
    day.bar()
    found = gate(day)
    assert found["stopped"] == "no_change"
    assert "+0.25" in found["sentence"]
    assert found["passed"] == ["bar"]


def test_below_the_threshold(day):
    day.target(day.bar(), forecast=0.0, reasons=("blend", "regime:calm", "weak"))
    found = gate(day)
    assert found["stopped"] == "below_threshold"
    assert "least forecast" in found["sentence"]
    assert "nothing was held" in found["sentence"]


def test_sized_to_nothing(day):
    day.target(day.bar(), forecast=0.1)
    found = gate(day)
    assert found["stopped"] == "sized_to_zero"
    assert [step["what"] for step in found["steps"]] == ["bar", "forecast", "target"]
    day.propose(day.target(day.bar()), "7-0")
    day.target(day.bar(), forecast=0.1)
    assert "order 7-0 was at work" in gate(day)["sentence"]


def test_denied_with_reason_limit_and_what_was_seen_and_the_silence_after_it(day):
    order, proposal = day.propose(day.target(day.bar()))
    day.deny(order, proposal)
    found = gate(day)
    assert found["stopped"] == "denied"
    assert "gross_exposure: limit 1, observed 1.25" in found["sentence"]
    assert found["orders"][0]["status"] == "denied"
    day.bar()
    assert "risk control had refused it a little while ago (gross_exposure)" in gate(day)["sentence"]
    reading = day.reading()
    assert [(c["reason"], c["n"]) for c in reading.denials()["counts"]] == [("gross_exposure", 1)]
    (row,) = reading.denials()["rows"]
    assert (row["symbol"], row["most"], row["observed"], row["order_id"]) == (SYMBOL, 1.0, 1.25, "1-0")
    assert [s["what"] for s in reading.chain("1-0")] == ["bar", "forecast", "target", "proposal", "verdict"]
    assert reading.events(level="warning").rows[0]["kind"] == "OrderDenied"


def test_refusals_are_counted_by_reason_most_first(day):
    for n, reason in enumerate([DenialReason.ORDER_RATE, DenialReason.HALTED, DenialReason.HALTED]):
        order, proposal = day.propose(day.target(day.bar()), f"{n}-0")
        day.deny(order, proposal, reason, limit=float("inf"), observed=float("nan"))
    found = day.reading().denials()
    assert [(c["reason"], c["n"]) for c in found["counts"]] == [("halted", 2), ("order_rate", 1)]
    assert found["rows"][0]["observed"] is None
    day.at_ns += 10**15
    day.bar()
    assert day.reading().denials("1h") == {"counts": [], "rows": []}


def test_an_order_that_expired_unsent_and_one_that_waits(day):
    order, proposal = day.propose(day.target(day.bar()))
    approval = day.approve(order, proposal)
    assert gate(day)["stopped"] == "waiting"
    day.update(order, approval, "intent")
    day.update(order, approval, "expired", reason="the market has moved on")
    found = gate(day)
    assert found["stopped"] == "not_sent"
    assert "the market has moved on" in found["sentence"]
    assert found["passed"][-1] == "risk"
    reading = day.reading()
    assert [s["text"] for s in reading.chain("c1-0")][-1] == "It was dropped unsent: the market has moved on."


def test_an_order_that_was_filled_in_part_went_through(day):
    order, proposal = day.propose(day.target(day.bar()))
    approval = day.approve(order, proposal)
    day.update(order, approval, "partial", filled="0.2")
    assert gate(day)["stopped"] == ""


def test_a_target_that_is_pursued_later_is_still_its_reason(day):
    day.target(day.bar())
    day.propose(day.bar(), "9-0")
    steps = day.reading().chain("9-0")
    assert [s["what"] for s in steps] == ["bar", "forecast", "target", "proposal"]
    assert "when nothing was in the way" in steps[-1]["text"]


def test_a_flattening_order_has_the_command_as_its_reason(day):
    day.target(day.bar())
    close = ClosePositions(symbols=(SYMBOL,), purpose="flatten", reason="an operator said so")
    cause = f"{day.step('immune', 'cmd:1', Publish(to=('metabolism',), message=close))}.0"
    day.propose(cause, "3-0", purpose=Purpose.FLATTEN)
    steps = day.reading().chain("3-0")
    assert [s["what"] for s in steps] == ["command", "proposal"]
    assert "an operator said so" in steps[0]["text"]


def test_trading_that_was_restricted_and_entries_that_were_barred_are_named(day):
    day.bar()
    after = Standing(state=TradingState.REDUCING, reason="Reducing: 3 losses.", since_ns=day.at_ns)
    changed = TradingStateChanged(before=Standing(), after=after, cause="3 losses in a row")
    day.step("immune", "x:1", Publish(to=("brain",), message=changed))
    day.bar()
    assert "trading was reducing (3 losses in a row)" in gate(day)["sentence"]
    barred = EntriesBarred(symbols=("ETH/USDT",), reason="no more of it")
    day.step("immune", "cmd:2", Publish(to=("brain",), message=barred))
    day.bar()
    assert "no more of it" not in gate(day)["sentence"]
    day.bar(symbol="ETH/USDT")
    assert "no more of it" in gate(day, "ETH/USDT")["sentence"]


def test_genomes_are_told_as_text_also_when_they_are_retired(day):
    funded = StrategyFunded(genome_id="g1", family="no such family", weight=0.5, parameters=(("a", 1.0),))
    day.step("reproduction", "x:1", Publish(to=("brain",), message=funded))
    day.propose(day.target(day.bar(), genome="g1"))
    (said,) = [s for s in day.reading().chain("1-0") if s["what"] == "forecast"]
    assert said["fields"]["genome"] == [["refused", "there is no strategy family 'no such family'."]]
    assert why._step(said)["body"] == said["text"].replace("g1", "No such family", 1) != said["text"]
    assert ["genome id", "g1"] in why._step(said)["fields"]


def test_ages_are_told_from_saying_to_dealing(day):
    closed = day.bar()
    day.mono_ns += 50_000_000
    day.target(closed)
    edge = next(e for e in day.reading().flow(EVER) if e["receiver"] == "brain")
    assert edge["age_p50_s"] == pytest.approx(0.051, rel=0.25)
    assert edge["age_p99_s"] == edge["age_p50_s"]
