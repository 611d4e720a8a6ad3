"""All invariants at once, over one stream of events.

Each invariant is a pure step of its own over its own accumulator; this only decides which of them an event concerns,
so that an ordinary one costs a few lookups.
"""

from collections import Counter
from collections.abc import Callable
from types import ModuleType
from typing import Any

from organism.core import Now
from organism.effects import Effects, Publish
from organism.invariants import (
    bounds,
    chain,
    closed,
    equity,
    gate,
    intent,
    once,
    position,
    secrecy,
    transitions,
    unknown,
)
from organism.invariants.bounds import Probe
from organism.invariants.breach import TITLES, Breach, Breaches
from organism.invariants.event import Event, seen
from organism.invariants.intent import Departure
from organism.invariants.rules import Rules
from organism.messages import Envelope
from organism.redaction import Redactor

MOST_KEPT = 200  # breaches kept; all are counted
_BY_EVENT: tuple[ModuleType, ...] = (
    intent, once, position, equity, chain, unknown, transitions, closed, gate, secrecy,
)  # fmt: skip
_ALWAYS = sum(1 << i for i, module in enumerate(_BY_EVENT) if module.HEARS is None)

Step = Callable[[Any, Event], tuple[Any, Breaches]]


def _masks(name: str) -> dict[type, int]:
    found: dict[type, int] = {}
    for index, module in enumerate(_BY_EVENT):
        for kind in getattr(module, name) or ():
            found[kind] = found.get(kind, 0) | 1 << index
    return found


_HEARS, _SAID = _masks("HEARS"), _masks("SAID")


class Judge:
    """Follows one journal from a row on.

    rules       of the run whose events come; `under` changes them
    first_seq   number of the first event; beyond 1 what came before is taken for granted
    redact      knows the secrets that must not appear (I10)
    without     invariants left out, by id
    """

    def __init__(
        self,
        rules: Rules | None = None,
        *,
        first_seq: int = 1,
        redact: Redactor | None = None,
        without: frozenset[str] = frozenset(),
    ) -> None:
        self.rules = rules or Rules()
        self.seq = first_seq - 1
        self.n: Counter[str] = Counter()
        self.breaches: list[Breach] = []
        self._without = without
        self._states: list[Any] = [module.State() for module in _BY_EVENT]
        self._bounds = bounds.State()
        for state in self._states:
            if hasattr(state, "partial"):
                state.partial = first_seq > 1
        self._state(chain).seq = first_seq - 1
        self._state(chain).first_seq = first_seq
        if redact is not None:
            self._state(secrecy).redact = redact
        self._steps: dict[int, tuple[tuple[int, Step], ...]] = {}
        self.under(self.rules)

    def under(self, rules: Rules) -> None:
        """Judge by these constants from here on: another run has begun."""
        self.rules = rules
        self._bounds.bounds = rules.bounds
        for state in self._states:
            if hasattr(state, "rules"):
                state.rules = rules

    def see(self, event: Event) -> Breaches:
        """Judge one event, the next one. O(1), amortised."""
        mask = _ALWAYS | _HEARS.get(type(event.read), 0)
        for effect in event.did:
            kind: type = type(effect)
            mask |= _SAID.get(type(effect.message) if kind is Publish else kind, 0)  # type: ignore[union-attr]
        steps = self._steps.get(mask)
        if steps is None:
            steps = self._steps[mask] = self._chosen(mask)
        found: Breaches = ()
        states = self._states
        for index, step in steps:
            states[index], breaches = step(states[index], event)
            if breaches:
                found += breaches
        self.seq = event.seq
        return self._noted(found) if found else found

    def observe(self, seq: int, organ: str, envelope: Envelope, effects: Effects, now: Now) -> None:
        """See a step as it happens: an observer of the spine, for one thread."""
        self.see(seen(seq, organ, envelope, effects, now))

    def departed(self, departure: Departure) -> Breaches:
        """Judge a request at the moment it leaves for the venue."""
        _, breaches = intent.left(self._state(intent), departure)
        return self._noted(breaches)

    def look(self, probe: Probe) -> Breaches:
        """Judge one measurement of the body."""
        _, breaches = bounds.look(self._bounds, probe, self.seq)
        return self._noted(breaches)

    def add(self, breaches: Breaches) -> Breaches:
        """Count what was found elsewhere (two lives compared, damage found while reading)."""
        return self._noted(breaches)

    def judged(self) -> dict[str, int]:
        """How often each invariant had something to judge: 0 proves nothing."""
        found = {module.ID: self._states[i].n for i, module in enumerate(_BY_EVENT)}
        return found | {bounds.ID: self._bounds.n}

    def holds(self) -> dict[str, bool]:
        """By id, of those that were judged at all."""
        return {name: not self.n[name] for name in TITLES if self.n[name] or self.judged().get(name)}

    def _chosen(self, mask: int) -> tuple[tuple[int, Step], ...]:
        return tuple(
            (i, module.step)
            for i, module in enumerate(_BY_EVENT)
            if mask >> i & 1 and module.ID not in self._without
        )

    def _noted(self, breaches: Breaches) -> Breaches:
        for breach in breaches:
            if not self.n[breach.invariant] or len(self.breaches) < MOST_KEPT:
                self.breaches.append(breach)
            self.n[breach.invariant] += 1
        return breaches

    def _state(self, module: ModuleType) -> Any:
        return self._states[_BY_EVENT.index(module)]
