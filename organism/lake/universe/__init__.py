"""Which instruments there were at a date, how old, liquid, costly, restless and well recorded each was.

    found = universe(lake, as_of_us)
    ranked(found, Wanted(min_volume=1e6), by="volume")
    chosen(lake, "binance", start_us, Wanted(), top=20)      # whom a trial from then on is made with

Nothing that became known after the date is used. `listing` makes the list, `measures` the figures, `changes` what became
of an asset's name and unit, `actions` its splits and dividends, `view` one history across them.
"""

from organism.lake.universe.actions import Action, adjusted
from organism.lake.universe.changes import Change, Changes, read_changes
from organism.lake.universe.chosen import Chosen, Picked, chosen
from organism.lake.universe.listing import Instrument, universe
from organism.lake.universe.ranking import RANKS, Wanted, ranked
from organism.lake.universe.view import Piece, View, view

__all__ = [
    "RANKS",
    "Action",
    "Change",
    "Changes",
    "Chosen",
    "Instrument",
    "Picked",
    "Piece",
    "View",
    "Wanted",
    "adjusted",
    "chosen",
    "ranked",
    "read_changes",
    "universe",
    "view",
]
