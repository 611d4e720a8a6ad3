"""The ten pages: their names, addresses and titles. Imported by the guard, so it imports nothing."""

from typing import NamedTuple


class Named(NamedTuple):
    """A page. `question` is what it answers; `ranged` whether the time range applies; `picked` whether symbols do."""

    name: str
    path: str
    title: str
    question: str
    ranged: bool = False
    picked: bool = False


NAMED = (
    Named("vitals", "/", "Vitals", "Am I well?", ranged=True),
    Named("trading", "/trading", "Trading", "What do I hold, why, and how is it going?", ranged=True, picked=True),
    Named("risk", "/risk", "Risk", "How far is each limit?", ranged=True),
    Named("evolution", "/evolution", "Evolution", "Who is bred, and is it more than luck?"),
    Named("reports", "/reports", "Reports", "What was tried, and which did better?"),
    Named("market", "/market", "Market", "Can I trust what I see?", ranged=True, picked=True),
    Named("why", "/why", "Why", "What led to this?", ranged=True, picked=True),
    Named("alerts", "/alerts", "Alerts", "What was said, and to whom?"),
    Named("machine", "/machine", "Machine", "Is the house sound?"),
    Named("settings", "/settings", "Settings", "What is in force, and who said so?"),
)  # fmt: skip
PATHS = frozenset(page.path for page in NAMED)
