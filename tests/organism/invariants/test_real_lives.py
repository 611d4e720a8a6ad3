"""The real organs, through fills, partial fills, cancels, faults, commands and restarts: no promise is broken."""

from collections import Counter

import msgspec
import pytest

from organism.body.past import rules_of
from organism.effects import Publish, VenueCancel, VenueSubmit
from organism.invariants import Judge, Unpacker, compare
from organism.journal.rows import GENESIS, decode_effects
from organism.messages import OrderDenied, OrderUpdated
from organism.settings import Settings
from organs.metabolism import ledger
from organs.motor import orders as motor_orders
from tests.organism.invariants.lives import HEAVY, Life, drawn

CALM = {"faults": None, "trouble": True, "restarts": True}
STRUCK = {"faults": HEAVY, "trouble": True, "restarts": False}


def judged_again(life):
    """The same journal judged from its rows, hashes included, as `organism verify` does."""
    judge, unpacker = Judge(rules_of(life.settings)), Unpacker(GENESIS)
    for event in unpacker.events(life.journal.rows(), life.journal.runs()):
        judge.see(event)
    return judge


def held(life):
    assert life.judge.breaches == []
    again = judged_again(life)
    assert again.breaches == []
    return life


def happened(lives):
    """What the lives went through: a life without it proves nothing about it."""
    found = Counter()
    for life in lives:
        found["restarts"] += life.n_restarts
        found["lost requests"] += life.n_lost
        sent: set[str] = set()
        for row in life.journal.rows():
            for effect in decode_effects(row.effects):
                if type(effect) is VenueCancel:
                    found["cancels"] += 1
                elif type(effect) is VenueSubmit:
                    found["sent again"] += effect.approved.order.id in sent
                    sent.add(effect.approved.order.id)
                elif type(effect) is Publish and type(effect.message) is OrderUpdated:
                    found[effect.message.status.value] += 1
                elif type(effect) is Publish and type(effect.message) is OrderDenied:
                    found[f"denied {effect.message.reason.value}"] += 1
    return found


def test_calm_lives_with_restarts_commands_and_tight_limits_break_nothing():
    lives = [held(Life(drawn(seed), **CALM).live(1_000)) for seed in (1, 3, 4, 7)]
    seen = happened(lives)
    assert all(seen[what] for what in ("restarts", "cancels", "partial", "filled", "canceled", "unknown")), (
        seen
    )
    judged = Counter()
    for life in lives:
        judged.update(life.judge.judged())
    assert all(judged[f"I{n}"] for n in (*range(1, 11), 12)), judged


def test_struck_lives_break_nothing():
    lives = [held(Life(drawn(seed), **STRUCK).live(1_000)) for seed in (11, 16, 20, 23)]
    seen = happened(lives)
    assert all(
        seen[what] for what in ("lost requests", "unknown", "acked", "filled", "expired", "sent again")
    ), seen
    struck = Counter()
    for life in lives:
        struck.update(life.assembled.driver.struck)
    assert {"drop", "delay", "duplicate", "raise_", "hang", "lose_reply", "delay_reply"} <= set(struck)


@pytest.mark.parametrize("how", [CALM, STRUCK], ids=["calm", "struck"])
def test_what_was_read_is_not_kept_for_a_reader_who_will_not_come(how):
    """A body of a week holds as little as one of an hour."""
    life = Life(drawn(5), **how).live(600)
    unpacker, most, n_said = Unpacker(GENESIS), 0, 0
    for event in unpacker.events(life.journal.rows(), life.journal.runs()):
        most = max(most, unpacker.n_unread)
        n_said += sum(type(e) is Publish for e in event.did)
    assert n_said > 1_000
    assert most < 100


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(100, 140))
def test_many_lives_break_nothing(seed):
    how = CALM if seed % 2 else STRUCK
    held(Life(drawn(seed), **how).live(1_500))


@pytest.mark.parametrize("how", [CALM, STRUCK], ids=["calm", "struck"])
def test_the_same_seed_lives_the_same_life(how):
    first, second = (Life(drawn(3), **how).live(600) for _ in range(2))
    assert compare(first.journal.rows(), second.journal.rows()) == ()
    other = Life(msgspec.structs.replace(drawn(3), seed=99), **how).live(600)
    (breach,) = compare(first.journal.rows(), other.journal.rows())
    assert breach.invariant == "I11"


# ---------------------------------------------------------------- slips in the organs themselves


def busy() -> Settings:
    return drawn(2)


def broken_by(settings=None, faults=None, n=900):
    life = Life(settings or busy(), faults, trouble=False, restarts=False).live(n)
    return {breach.invariant for breach in life.judge.breaches}


def test_the_life_that_is_mutated_below_is_whole_without_a_mutation():
    assert broken_by() == set()
    assert broken_by(faults=HEAVY) == set()


def test_a_ledger_that_forgets_fees_is_found(monkeypatch):
    fee_parts = ledger._fee_parts
    monkeypatch.setattr(
        ledger, "_fee_parts", lambda fill, i: (fee_parts(fill, i)[0] * 0, fee_parts(fill, i)[1])
    )
    assert "I4" in broken_by()


def test_a_ledger_that_rounds_costs_otherwise_is_found_to_the_last_digit(monkeypatch):
    share = ledger._share

    def off(whole, part, total):
        return share(whole, part, total) + (0 if part == total else ledger._SHARE)

    monkeypatch.setattr(ledger, "_share", off)
    # Only a position that was reduced in part was ever divided.
    settings = msgspec.structs.replace(
        busy(), paper=msgspec.structs.replace(busy().paper, volume_share=0.001)
    )
    assert "I4" in broken_by(settings)


def test_an_execution_that_takes_every_doubt_for_an_end_is_found(monkeypatch):
    def rejected(tracked, now, reason):
        return motor_orders.moved(tracked, motor_orders.OrderStatus.REJECTED, now, reason)

    monkeypatch.setattr(motor_orders, "doubted", rejected)
    assert "I6" in broken_by(faults=HEAVY)


def test_an_execution_that_sends_everything_twice_is_found(monkeypatch):
    sent = motor_orders.sent

    def twice(tracked, venue, now):
        tracked, effects = sent(tracked, venue, now)
        return tracked, [*effects, effects[1]]

    monkeypatch.setattr(motor_orders, "sent", twice)
    assert "I2" in broken_by()


def test_an_execution_that_gives_up_without_proof_is_found(monkeypatch):
    monkeypatch.setattr(motor_orders, "PROOFS", 0)
    assert "I6" in broken_by(drawn(20), HEAVY)


def test_a_gate_without_size_limits_is_found(monkeypatch):
    from organs.immune import checks

    monkeypatch.setattr(checks, "_ROOMS", ())
    tight = msgspec.structs.replace(
        busy(), risk=msgspec.structs.replace(busy().risk, max_order_notional=50.0)
    )
    assert "I9" in broken_by(tight)
