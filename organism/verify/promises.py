"""The invariants by id, as an audit reports them."""

from collections.abc import Callable, Mapping

import msgspec

from organism.invariants import TITLES, Breach, Judge, Rules, Unpacker
from organism.journal.rows import Row, Run

MOST_SHOWN = 10  # breaches kept of each invariant
ELSEWHERE = {
    "I11": "one journal cannot show it: lockstep lives the same life twice, `organism replay` decides again",
    "I12": "a folder cannot show it: the living body is measured each second",
}

RulesOf = Callable[[Run], Rules | None]


class Promise(msgspec.Struct, frozen=True):
    """One invariant.

    holds      None when there was nothing to judge it by
    judged     how often there was something to judge
    breaches   counted; `found` holds the first ten
    """

    invariant: str
    title: str
    holds: bool | None
    judged: int
    breaches: int
    found: tuple[Breach, ...] = ()
    note: str = ""


class Promises:
    """Judges rows in order. rules_of: what a run was set up with, None where that was not kept."""

    def __init__(self, first_seq: int, rules_of: RulesOf | None = None, given: Rules | None = None) -> None:
        self._judge = Judge(given, first_seq=max(1, first_seq))
        self._unpacker = Unpacker()
        self._rules_of = rules_of
        self._given = given or Rules()
        self._run = 0
        self._first: Rules | None = None
        self._unlimited = rules_of is None and self._given.risk is None

    def see(self, row: Row, runs: Mapping[int, Run]) -> None:
        """Judge one row."""
        if row.run != self._run:
            self._run = row.run
            self._judge.under(self._rules(runs.get(row.run)))
        self._judge.see(self._unpacker.event(row, runs))

    def damaged(self, sentence: str, seq: int | None) -> None:
        """The chain was found broken while it was read."""
        self._judge.add((Breach(invariant="I5", text=sentence, seq=seq or 0),))

    def report(self) -> tuple[Promise, ...]:
        """Every invariant, in order."""
        judged, n = self._judge.judged(), self._judge.n
        found = []
        for name, title in TITLES.items():
            times = judged.get(name, 0)
            note = ELSEWHERE.get(name, "")
            if name == "I9" and self._unlimited:
                note = "the settings of some run were not kept: its limits are not known"
            breaches = tuple(b for b in self._judge.breaches if b.invariant == name)[:MOST_SHOWN]
            holds = False if n[name] else True if times else None
            found.append(Promise(name, title, holds, times, n[name], breaches, note))
        return tuple(found)

    def _rules(self, run: Run | None) -> Rules:
        known = self._rules_of(run) if self._rules_of is not None and run is not None else None
        if known is None:
            self._unlimited = self._unlimited or self._given.risk is None
            return self._given
        # The books were opened with what the first run was given; later settings do not open them again.
        self._first = self._first or known
        return msgspec.structs.replace(known, starting_cash=self._first.starting_cash)
