"""The twelve promises about money and record, judged from what was recorded and from nothing else.

I1   intent first            no order leaves before its approval and its intent are durable
I2   once                    at most one live attempt per intent; executed at most what was intended
I3   fills are the position  every fill told once; quantities are their sum, exactly
I4   equity identity         cash + positions at mark = start + realised + unrealised − fees, exactly
I5   acknowledged is durable rows, steps and hashes without a gap; nothing read that was not said
I6   unknown is not failed   an end takes the venue's word, or proof that the order never arrived
I7   only legal transitions  filled never falls, what has ended stays ended
I8   fail closed             while something is wrong nothing may grow, and everything may shrink
I9   limits at the gate      no approval breaks a limit, whatever was proposed
I10  no secret in a row      known ones, and whatever looks like one
I11  deterministic           the same seed gives the same journal
I12  bounded                 memory, mailboxes, threads, descriptors, write-ahead log

`Judge` runs I1 to I10 on a stream of events, in simulation after each step and in the living body each second; I11
needs two lives, I12 a measurement. None of them asks an organ: a slip in the ledger cannot excuse itself.
Source: the order protocol and invariants of the reliability notes; average cost as in the ledger's own description.
"""

from organism.invariants.bounds import Probe
from organism.invariants.breach import TITLES, Breach, Breaches
from organism.invariants.determinism import compare
from organism.invariants.event import Event, Unpacker, seen
from organism.invariants.intent import Departure
from organism.invariants.judge import Judge
from organism.invariants.rules import Bounds, Rules

__all__ = [
    "TITLES", "Bounds", "Breach", "Breaches", "Departure", "Event", "Judge", "Probe", "Rules", "Unpacker", "compare",
    "seen",
]  # fmt: skip
