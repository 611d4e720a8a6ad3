"""A recorded event dropped, doubled or put elsewhere: how many of each are noticed, in a journal of the real organs."""

import copy
from collections import Counter, defaultdict

import pytest

from organism.body.past import rules_of
from organism.effects import CancelTimer, Publish, VenueSubmit
from organism.invariants import Judge, Unpacker
from organism.journal.rows import GENESIS
from organism.messages import (
    Filled,
    OrderApproved,
    OrderDenied,
    OrderProposed,
    OrderUpdated,
    PortfolioMarked,
    Reconciled,
    TradingStateChanged,
)
from tests.organism.invariants.lives import Life, drawn

NOTHING = CancelTimer(
    key="gone"
)  # keeps the place of what was dropped, so that ids of what follows stay true
EVERY_MARK = 12  # marks are many and alike: each twelfth is struck


@pytest.fixture(scope="module")
def life():
    lived = Life(drawn(4), None, trouble=True, restarts=True).live(700)
    assert lived.judge.breaches == []
    return lived


@pytest.fixture(scope="module")
def events(life):
    return list(Unpacker(GENESIS).events(life.journal.rows(), life.journal.runs()))


def judged(life, events, *, without=frozenset({"I10"}), first_seq=1):
    judge = Judge(rules_of(life.settings), first_seq=first_seq, without=without)
    for event in events:
        judge.see(event)
    return {breach.invariant for breach in judge.breaches}


# ---------------------------------------------------------------- rows


def window(events, at):
    """Some rows around one, so that thousands of rows can be struck one by one."""
    return events[max(0, at - 3) : at + 4], max(0, at - 3) + 1


def test_every_row_dropped_doubled_or_exchanged_is_noticed_by_i5(life, events):
    found = Counter()
    only_chain = frozenset(f"I{n}" for n in range(1, 13)) - {"I5"}
    for at in range(len(events) - 1):
        near, first = window(events, at)
        i = at - (first - 1)
        for how, struck in {
            "dropped": near[:i] + near[i + 1 :],
            "doubled": near[: i + 1] + near[i:],
            "exchanged": [*near[:i], near[i + 1], near[i], *near[i + 2 :]],
        }.items():
            found[how] += judged(life, struck, without=only_chain, first_seq=first) == {"I5"}
        assert judged(life, near, without=only_chain, first_seq=first) == set()
    n = len(events) - 1
    assert found == {"dropped": n, "doubled": n, "exchanged": n}
    # The newest row alone can go without a trace in the rows: that is what the tip beside the journal is for.
    assert judged(life, events[:-1]) == set()


def test_every_field_of_a_row_is_under_its_hash(life, events):
    only_chain = frozenset(f"I{n}" for n in range(1, 13)) - {"I5"}
    for at in range(5, len(events) - 1, 97):
        near, first = window(events, at)
        i = at - (first - 1)
        row = near[i].row
        for name, value in (
            ("market_ns", row.market_ns + 1),
            ("effects", row.effects + b"\0"),
            ("organ", "brain2"),
        ):
            forged = type(row)(**{f: getattr(row, f) for f in row.__struct_fields__} | {name: value})
            struck = [*near[:i], near[i]._replace(row=forged), *near[i + 1 :]]
            assert judged(life, struck, without=only_chain, first_seq=first) == {"I5"}, name


# ---------------------------------------------------------------- messages, in a record that is whole again


def places(events):
    """Where each kind of telling effect stands: (event, position)."""
    found = defaultdict(list)
    for at, event in enumerate(events):
        for position, effect in enumerate(event.did):
            kind = type(effect.message) if type(effect) is Publish else type(effect)
            found[kind].append((at, position))
    found[PortfolioMarked] = found[PortfolioMarked][::EVERY_MARK]
    return found


class Striker:
    """Judges one record many times, each time with other effects in a few of its events.

    What comes before the first change is judged once; the accumulators of that moment are copied. What an organ
    read follows from what was said.
    """

    def __init__(self, life, events):
        self.events = events
        self._rules = rules_of(life.settings)
        self._base = self._judge()
        self._at = 0
        self._readers = defaultdict(list)
        for at, event in enumerate(events):
            if event.input_id[:1].isdigit():
                self._readers[event.input_id].append(at)

    def _judge(self):
        return Judge(self._rules, without=frozenset({"I10"}))

    def notices(self, changes):
        """Whether anything is found once these events have these effects instead."""
        first = min(changes)
        assert first >= self._at, "changes come in order"
        for event in self.events[self._at : first]:
            self._base.see(event)
        self._at = first
        judge = self._judge()
        judge._states = copy.deepcopy(self._base._states, {id(self._rules): self._rules})
        reads = {}
        for at, did in changes.items():
            for position in range(len(did)):
                said = did[position].message if type(did[position]) is Publish else None
                for reader in self._readers[f"{self.events[at].seq}.{position}"]:
                    reads[reader] = said
        for at in range(first, len(self.events)):
            event = self.events[at]
            judge.see(event._replace(did=changes.get(at, event.did), read=reads.get(at, event.read)))
            if judge.breaches:
                return True
        return False


def dropped(events, at, position):
    did = events[at].did
    return {at: (*did[:position], NOTHING, *did[position + 1 :])}


def doubled(events, at, position):
    did = events[at].did
    return {at: (*did, did[position])}


PROMISED = {
    "dropped": (OrderProposed, OrderApproved, OrderDenied, OrderUpdated, Filled, VenueSubmit, PortfolioMarked, Reconciled,
                TradingStateChanged),
    "doubled": (OrderProposed, OrderApproved, OrderDenied, OrderUpdated, Filled, VenueSubmit),
}  # fmt: skip
# Saying these again says nothing new, and nobody can tell that it was not meant: the standing, the mark and the
# comparison with the venue are states, not changes.
STATES = (PortfolioMarked, Reconciled, TradingStateChanged)


@pytest.mark.parametrize(
    ("how", "strike"), [("dropped", dropped), ("doubled", doubled)], ids=["dropped", "doubled"]
)
def test_every_message_about_money_dropped_or_doubled_is_noticed(life, events, how, strike):
    quiet = [e._replace(row=None) for e in events]
    assert judged(life, quiet) == set()
    striker, caught, tried = Striker(life, quiet), Counter(), Counter()
    where = sorted((*place, kind.__name__) for kind in PROMISED[how] for place in places(quiet)[kind])
    for at, position, name in where:
        tried[name] += 1
        caught[name] += striker.notices(strike(quiet, at, position))
    assert all(tried[k.__name__] for k in PROMISED[how]), tried
    assert caught == tried


def test_a_state_said_twice_is_all_that_cannot_be_told_apart(life, events):
    quiet = [e._replace(row=None) for e in events]
    for kind in STATES:
        striker = Striker(life, quiet)
        for at, position in places(quiet)[kind][:3]:
            assert not striker.notices(doubled(quiet, at, position)), kind


def test_two_words_about_one_order_exchanged_are_noticed(life, events):
    quiet = [e._replace(row=None) for e in events]
    last, pairs = {}, []
    for at, position in places(quiet)[OrderUpdated]:
        update = quiet[at].did[position]
        before = last.get(update.message.order_id)
        last[update.message.order_id] = (at, position)
        if before is None:
            continue
        changes = {}
        for (a, p), effect in ((before, update), ((at, position), quiet[before[0]].did[before[1]])):
            did = changes.get(a, quiet[a].did)
            changes[a] = (*did[:p], effect, *did[p + 1 :])
        pairs.append(changes)
    striker = Striker(life, quiet)
    tried = len(pairs)
    caught = sum(striker.notices(changes) for changes in sorted(pairs, key=min))
    assert tried > 20
    assert caught == tried


def test_a_fill_booked_after_the_mark_that_should_hold_it_is_noticed_by_the_sums_alone(life, events):
    """Rows renumbered, so that I5 has nothing to say: the books themselves show it."""
    tried = caught = 0
    for at, event in enumerate(events):
        if event.organ != "metabolism" or type(event.read) is not Filled or tried == 12:
            continue
        mark = next((j for j in range(at + 1, len(events)) if says_a_mark(events[j])), None)
        if mark is None:
            continue
        moved = [*events[:at], *events[at + 1 : mark + 1], event, *events[mark + 1 :]]
        tried += 1
        found = judged(life, [e._replace(row=None) for e in moved], without=frozenset({"I5", "I10"}))
        caught += {"I3", "I4"} <= found
    assert tried > 5
    assert caught == tried


def says_a_mark(event):
    return event.organ == "metabolism" and any(
        type(e) is Publish and type(e.message) is PortfolioMarked for e in event.did
    )
