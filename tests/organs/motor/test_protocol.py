"""No duplicates, no phantoms: the order protocol against a venue behind a bad line, seed after seed."""

from decimal import Decimal

import pytest

from organism.lockstep import Faults
from organism.trading import LEGAL, OrderStatus
from tests.organs.motor.hostile import UNSETTLED, Life

CRASHES = Faults(raise_=0.02, hang=0.02, duplicate=0.05)
EVERY_FAULT = {
    "lose_request", "delay_request", "double_request", "slow_engine", "lose_reply", "delay_reply",
    "duplicate_refused", "too_late",
}  # fmt: skip
QUICK, SLOW = range(25), range(25, 400)


def lived(seed):
    life = Life(seed, faults=CRASHES if seed % 3 == 0 else None)
    life.run(30, per_instant_s=1.0)
    life.calm()
    return life


def executed(life):
    """Quantity the venue executed, by client order id."""
    found: dict[str, Decimal] = {}
    for fill in life.exchange.fills:
        found[fill.client_order_id] = found.get(fill.client_order_id, Decimal(0)) + fill.quantity
    return found


def check_once(life):
    """I2: at most one attempt of an intent was executed, and never beyond what was intended."""
    by_client = executed(life)
    for order_id, attempts in life.submitted.items():
        done = [by_client[a] for a in attempts if a in by_client]
        assert len(done) <= 1, f"{order_id} was executed by {len(done)} attempts"
        assert sum(done) <= life.orders[order_id].quantity


def check_fills_are_the_position(life):
    """I3: every fill of the venue told once; their sum is its position, and what motor believes."""
    keys = [m.fill.key for m in life.fills]
    assert len(set(keys)) == len(keys)
    assert set(keys) == {f.key for f in life.exchange.fills}
    for symbol, held in life.exchange.positions.items():
        ours = sum(m.fill.quantity * m.fill.side.sign for m in life.fills if m.fill.symbol == symbol)
        assert ours == held == life.motor.positions[symbol]


def check_transitions(life):
    """I7: only legal transitions, filled never falls, what has ended stays ended."""
    status: dict[str, OrderStatus] = {}
    filled: dict[str, Decimal] = {}
    client: dict[str, str] = {}
    for update in life.updates:
        before = status.get(update.order_id)
        if before is not None:
            if update.client_order_id != client[update.order_id]:
                assert before is OrderStatus.UNKNOWN, "another attempt needs the proof that ends a doubt"
                before = OrderStatus.INTENT if update.status is OrderStatus.SENT else before
            assert update.status in LEGAL[before], f"{update.order_id}: {before} → {update.status}"
        assert update.filled >= filled.get(update.order_id, 0)
        status[update.order_id] = update.status
        filled[update.order_id] = update.filled
        client[update.order_id] = update.client_order_id
    return status, filled


def check_ends(life):
    """I6: each end is the venue's own word, or an absence that is still true."""
    status, filled = check_transitions(life)
    by_client = executed(life)
    for order_id, ended in status.items():
        assert ended not in UNSETTLED, f"{order_id} is {ended.value} after two minutes of calm"
        attempts = life.submitted.get(order_id, [])
        there = [life.exchange.orders[a] for a in attempts if a in life.exchange.orders]
        assert filled[order_id] == sum((by_client.get(a, Decimal(0)) for a in attempts), Decimal(0))
        if ended.is_terminal:
            assert all(r.status != "open" for r in there)
        else:
            assert [r.status for r in there if r.status == "open"] == ["open"]
        if ended is OrderStatus.EXPIRED:
            assert all(r.status == "rejected" for r in there)


def check_calm(life):
    """Nothing was alarmed that was not so: a halt needs a person, so a false one is a failure."""
    assert life.alerts == []
    assert [r for r in life.reconciled if not r.clean] == []
    last = life.reconciled[-1]
    assert (last.unexplained, last.foreign, last.unknown) == ((), (), ())
    assert last.clean


def check(seed):
    life = lived(seed)
    check_once(life)
    check_fills_are_the_position(life)
    check_ends(life)
    check_calm(life)
    return life


@pytest.mark.requirement("S1-0.2", "S1-9.8")
@pytest.mark.parametrize("seed", QUICK)
def test_on_a_bad_line_nothing_is_executed_twice_lost_or_invented(seed):
    check(seed)


@pytest.mark.slow
@pytest.mark.requirement("S1-0.2", "S1-9.8")
def test_on_a_bad_line_nothing_is_executed_twice_lost_or_invented_over_hundreds_of_seeds():
    seen: dict[str, int] = {}
    n_fills = n_again = 0
    ends = set()
    for seed in SLOW:
        life = check(seed)
        n_fills += len(life.fills)
        n_again += sum(len(attempts) > 1 for attempts in life.submitted.values())
        ends |= {u.status for u in life.updates}
        for name, n in {**life.venue.seen, **life.driver.struck}.items():
            seen[name] = seen.get(name, 0) + n
    assert seen.keys() >= EVERY_FAULT | {"raise_", "hang", "duplicate"}, "a fault never seen proves nothing"
    assert n_fills > 1_000
    assert n_again > 20, "orders that were proven absent are sent again"
    assert ends == set(OrderStatus)


def test_every_kind_of_fault_strikes_within_a_few_seeds():
    seen = set()
    for seed in range(100, 112):
        life = Life(seed)
        life.run(30)
        seen |= life.venue.seen.keys()
    assert seen >= EVERY_FAULT


def test_the_same_seed_lives_the_same_life():
    def tip(seed):
        life = Life(seed, faults=CRASHES)
        life.run(15)
        return life.driver.journal.tip

    assert tip(7) == tip(7) != tip(8)
