"""The real organs through a market with faults: the audit finds nothing, and the view is what a rebuild gives."""

import sqlite3
from decimal import Decimal

import pytest

from organism.body.lockstep import assemble
from organism.journal.port import MemoryJournal
from organism.lockstep import Faults
from organism.market import NS_PER_S
from organism.settings import MarketSettings, PaperSettings, Settings
from organism.verify import Agreement, Examiner, VenueTruth, conclude
from organism.view import ViewReader, schema
from organism.view.writer import ViewWriter
from organs.nervous.feeds import instants

N_BARS = 1_200
HEAVY = Faults(
    drop=0.02, delay=0.1, delay_s=5.0, duplicate=0.1, raise_=0.02, hang=0.02, lose_reply=0.3, delay_reply=0.3
)


def settings(seed):
    feed = "replay" if seed % 2 else "simulated"
    market = MarketSettings(feed=feed, seed=seed, max_bars=N_BARS, warmup_bars=300, speed=0.0)
    return Settings(
        seed=seed, market=market, paper=PaperSettings(volume_share=0.001 if seed % 3 == 0 else 0.1)
    )


def live(seed, faults, journal, writer):
    """One session, then silence until everything late has come."""
    chosen = settings(seed)
    assembled = assemble(chosen, journal, faults=faults, observers=(writer.observe,))
    writer.catch_up(journal)
    for number, instant in enumerate(instants(chosen.market)):
        if number == N_BARS:
            break
        assembled.driver.tick(instant)
        if number % 50 == 0:
            journal.flush()
            assert writer.commit(journal.durable_seq)
    assembled.driver.settle()
    assembled.driver.advance_mono(120 * NS_PER_S)
    assembled.driver.settle()
    journal.flush()
    assert writer.commit(journal.durable_seq)
    return assembled.exchange


def audited(journal, exchange):
    examiner = Examiner()
    examiner.begin(1)
    for row in journal.rows():
        examiner.examine(row, journal.runs())
    examiner.finish()
    truth = VenueTruth(
        orders=tuple(order.report() for order in exchange.orders.values()), fills=tuple(exchange.fills),
        positions=dict(exchange.positions), cash=exchange.cash,
    )  # fmt: skip
    agreement = Agreement(examiner, truth, again=lambda: truth)
    agreement.compare()
    return conclude(examiner, agreement, chain_ok=True, first_bad_seq=None, tip_seq=journal.tip[0])


def contents(path):
    db = sqlite3.connect(path)
    try:
        return {t: db.execute(f"SELECT * FROM {t} ORDER BY 1, 2").fetchall() for t in schema.KEYS}  # noqa: S608
    finally:
        db.close()


def prove(seed, faults, tmp_path):
    journal, writer = MemoryJournal(), ViewWriter(tmp_path / "lived.db")
    exchange = live(seed, faults, journal, writer)
    report = audited(journal, exchange)
    assert report.ok, report.render()
    assert (report.duplicates, report.phantoms, report.lost, report.in_flight) == (0, 0, 0, 0)
    writer.close()
    again = ViewWriter(tmp_path / "rebuilt.db")
    again.catch_up(journal)
    again.close()
    assert contents(tmp_path / "lived.db") == contents(tmp_path / "rebuilt.db")
    return report, exchange


def test_a_quiet_life_is_whole_and_its_view_is_its_journal(tmp_path):
    report, exchange = prove(1, None, tmp_path)
    assert report.fills > 0, "a life without a trade proves nothing"
    seen = ViewReader(tmp_path / "lived.db").status()
    assert Decimal(seen["portfolio"]["cash"]) == exchange.cash
    assert seen["reconciled"]["clean"]


@pytest.mark.parametrize("seed", [2, 3, 5])
def test_faults_lose_nothing_double_nothing_and_invent_nothing(seed, tmp_path):
    prove(seed, HEAVY, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 120))
def test_many_seeds_of_faults_lose_nothing(seed, tmp_path):
    prove(seed, HEAVY, tmp_path)
