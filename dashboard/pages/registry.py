"""Every page with what makes it: what the layout shows, and what is answered for it."""

import logging
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from dashboard import pulse
from dashboard.pages import alerts, evolution, machine, market, reports, risk, settings, trading, vitals, why
from dashboard.pages.asked import Asked
from dashboard.pages.names import NAMED, Named
from dashboard.sentence import Sentence
from dashboard.sight import Sight
from organism.errors import OrganismError

LOG = logging.getLogger("dashboard")


class Page(NamedTuple):
    """One page: its skeleton, its sentence, and makers of its pieces by name."""

    named: Named
    skeleton: Callable[[], Any]
    speaks: Callable[[Sight, Asked], Sentence]
    pieces: Callable[[Asked, Sight], Mapping[str, Callable[[], Any]]]


_MODULES: dict[str, Any] = {
    "vitals": vitals, "trading": trading, "risk": risk, "evolution": evolution, "reports": reports, "market": market, "why": why,
    "alerts": alerts, "machine": machine, "settings": settings,
}  # fmt: skip
PAGES: dict[str, Page] = {
    one.name: Page(one, module.skeleton, module.speaks, module.pieces)
    for one in NAMED
    for module in (_MODULES[one.name],)
}


def answered(name: str, asked: Asked, sight: Sight) -> dict[str, Any]:
    """Every piece of a page, with the frame. A piece that cannot be made says so, and takes none of the others with it."""
    page = PAGES[name]
    sentence = page.speaks(sight, asked)
    frame = pulse.frame(sight.glimpse, sight.judged, _made("alerts", lambda: alerts.unseen(sight), 0))
    return {
        "frame": {
            **frame,
            "at_ms": sight.at_ns and sight.at_ns // 1_000_000,
            "symbols": list(_made("symbols", sight.symbols, ())) if page.named.picked else [],
        },
        f"{name}-sentence": {
            "lead": sentence.lead,
            "text": sentence.text,
            "need": sentence.need,
            "tone": sentence.tone,
        },
        **{piece: _made(piece, make, None) for piece, make in page.pieces(asked, sight).items()},
    }


def table_of(piece: str, asked: Asked, sight: Sight) -> dict[str, Any] | None:
    """A table by the name of its piece, None where no page has one."""
    for page in PAGES.values():
        make = page.pieces(asked, sight).get(piece)
        if make is not None:
            found = make()
            return found if isinstance(found, dict) and ("heads" in found or not found) else None
    return None


def _made(name: str, make: Callable[[], Any], otherwise: Any) -> Any:
    try:
        return make()
    except (sqlite3.Error, OSError, OrganismError) as error:
        found = {"error": f"This could not be read now ({str(error)[:200]}). It is tried again each second."}
    except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError):
        LOG.exception("the piece %s could not be made", name)
        found = {"error": "This could not be made from what the body said. The dashboard's log says why."}
    return found if otherwise is None else otherwise
