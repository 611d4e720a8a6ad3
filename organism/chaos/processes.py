"""The campaign against real processes: killed, frozen, told to end and started twice; the venue's book judges."""

from organism.chaos.campaign import Tell, conduct_all
from organism.chaos.kills import campaigns as kills_of
from organism.chaos.outcome import Outcome
from organism.chaos.stops import campaigns as stops_of
from organism.errors import BadInput

MOST = 500  # kills on one set of folders: a guardian tolerates a limited number of deaths, and a judge reads them all
SEED = 20


def run(kills: int, tell: Tell, *, stops: int = 2, long: bool = False, seed: int = SEED) -> list[Outcome]:
    """Try every fault of processes on organisms in folders of their own.

    kills   SIGKILLs, shared out over the processes and the named points
    tell    hears what is being done
    stops   how often each freeze, signal and second start is tried; 0 leaves them out
    long    freezes of a minute, too
    Raises `BadInput` for a number that makes no sense; what the organism does wrong is in the outcomes.
    """
    if kills < 0 or stops < 0:
        raise BadInput(f"kills and stops are counts from 0 up; was {kills} and {stops}.")
    found: list[Outcome] = []
    while kills > 0:
        n = min(kills, MOST)
        found += conduct_all(kills_of(n), seed + len(found), tell)
        kills -= n
    if stops:
        found += conduct_all(stops_of(stops, long=long), seed + len(found), tell)
    return found
