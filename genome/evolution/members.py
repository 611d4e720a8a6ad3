"""Individuals: genomes, what they are worth, how they behave, and how old they are, as arrays side by side."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from genome.breeding.flat import TREES, Flock, joined
from genome.breeding.inheritance import N_GENES
from genome.breeding.tokens import ARGUMENT
from genome.evolution.distinct import I16
from genome.evolution.keys import U64
from genome.market import F64, I64


@dataclass(frozen=True, slots=True, eq=False)
class Worth:
    """What was judged of n genomes, as much as evolution needs: scores without the days.

    values      float64 (n, 4): objectives, maximised
    violations  float64 (n,): 0 where all constraints hold
    trades      float64 (n,): closed trades
    shapes      int16 (n, D): behaviours, see `genome.evolution.distinct`
    """

    values: F64
    violations: F64
    trades: F64
    shapes: I16

    def __len__(self) -> int:
        return len(self.values)

    def take(self, which: I64) -> "Worth":
        """Those with these indices, in this order."""
        return Worth(self.values[which], self.violations[which], self.trades[which], self.shapes[which])


@dataclass(frozen=True, slots=True, eq=False)
class Members:
    """n individuals.

    keys     uint64 (n, 2): `genome.evolution.keys`
    born     int64 (n,): generation in which each was made
    lineage  int64 (n,): generation in which the oldest of its ancestors came in, founder or newcomer
    """

    flock: Flock
    keys: U64
    worth: Worth
    born: I64
    lineage: I64

    def __len__(self) -> int:
        return len(self.born)

    def take(self, which: I64) -> "Members":
        """Those with these indices, in this order."""
        return Members(
            self.flock.take(which),
            self.keys[which],
            self.worth.take(which),
            self.born[which],
            self.lineage[which],
        )

    @property
    def sizes(self) -> I64:
        """Nodes of all trees of each genome, arguments of indicators not counted."""
        return nodes(self.flock)


def nodes(flock: Flock) -> I64:
    """Nodes of all trees of each genome, int64 (n,)."""
    counted = np.concatenate([[0], np.cumsum(flock.tokens != ARGUMENT)])
    sizes: I64 = np.diff(counted[flock.offsets[::TREES]]).astype(np.int64)
    return sizes


def united(parts: Iterable[Worth]) -> Worth:
    """One after another."""
    every = list(parts)
    return Worth(
        np.concatenate([w.values for w in every]),
        np.concatenate([w.violations for w in every]),
        np.concatenate([w.trades for w in every]),
        np.concatenate([w.shapes for w in every]),
    )


def gathered(parts: Iterable[Members]) -> Members:
    """One after another; at least one."""
    every = list(parts)
    return Members(
        joined([m.flock for m in every]),
        np.concatenate([m.keys for m in every]),
        united([m.worth for m in every]),
        np.concatenate([m.born for m in every]),
        np.concatenate([m.lineage for m in every]),
    )


def nobody(days: int) -> Members:
    """No individuals, judged on so many days."""
    none = np.zeros(0, np.int64)
    return Members(empty_flock(), np.zeros((0, 2), np.uint64), no_worth(days), none, none)


def no_worth(days: int) -> Worth:
    """What nobody is worth."""
    return Worth(np.zeros((0, 4)), np.zeros(0), np.zeros(0), np.zeros((0, days), np.int16))


def empty_flock() -> Flock:
    """A flock without genomes."""
    return Flock(np.zeros(0, np.int32), np.zeros(0), np.zeros(1, np.int64), np.zeros((0, N_GENES)))
