"""What was: bars, fills, orders, trades and equity of a time, from the read model where it is ready, else from the view.

The view keeps the newest rows of everything and is there at once; the read model knows all of the journal. Both answer in
the same shape here, so that no page needs to know which it was.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dashboard import performance
from dashboard.glimpse import Row
from dashboard.reading import EVER, Reading

Rows = Callable[..., list[Row]]
MOST = 2_000


@dataclass(frozen=True, slots=True)
class History:
    """A stretch of market time, from `since_ns` to `until_ns`, both included.

    view      asks the view
    reading   the read model where it is ready, else None
    """

    view: Rows
    reading: Reading | None
    since_ns: int
    until_ns: int = EVER.end_ns

    @property
    def _span(self) -> tuple[int, int]:
        return self.since_ns, self.until_ns

    def prices(self, symbol: str, points: int = MOST) -> list[tuple[int, float]]:
        """(moment, close) of an instrument, oldest first, thinned to about so many."""
        if self.reading is not None:
            return [
                (int(one["at_ns"]), float(one["close"]))
                for one in self.reading.prices(symbol, self._span, points)
            ]
        rows = self.view(
            "SELECT at_ns, close FROM marks WHERE symbol = ? AND at_ns BETWEEN ? AND ? ORDER BY at_ns",
            symbol,
            *self._span,
        )
        return performance.thinned(
            [(int(one["at_ns"]), float(one["close"])) for one in rows if one["close"]], points
        )

    def line(self, symbol: str, points: int) -> list[tuple[int, float]]:
        """(moment, price) to be drawn as a line, oldest first: no extreme is lost where bars lie closer than the points."""
        if self.reading is None:
            return self.prices(symbol, points)
        found: list[tuple[int, float]] = []
        for one in self.reading.prices(symbol, self._span, points // 2):
            at_ns, close = int(one["at_ns"]), float(one["close"])
            if one["n"] > 1 and found:
                ends = (float(one["low"]), float(one["high"]))
                third_ns = (at_ns - found[-1][0]) // 3
                first, second = ends if close >= float(one["open"]) else ends[::-1]
                found += [(at_ns - 2 * third_ns, first), (at_ns - third_ns, second)]
            found.append((at_ns, close))
        return found

    def fills(self) -> list[Row]:
        """Executions, newest first."""
        if self.reading is not None:
            return self.reading.fills(self._span, limit=MOST)
        return self.view(
            "SELECT * FROM fills WHERE at_ns BETWEEN ? AND ? ORDER BY seq DESC LIMIT ?", *self._span, MOST
        )

    def trades(self) -> list[Row]:
        """Closed trades, newest first; each has a `key`."""
        if self.reading is not None:
            return [{**one, "key": str(one["pos"])} for one in self.reading.trades(self._span, limit=MOST)]
        rows = self.view(
            "SELECT * FROM trades WHERE closed_ns BETWEEN ? AND ? ORDER BY seq DESC, part DESC LIMIT ?",
            *self._span,
            MOST,
        )
        return [{**one, "key": f"{one['seq']}.{one.get('part') or 0}"} for one in rows]

    def orders(self, alive: list[Row]) -> list[Row]:
        """Orders of this time after those that are still alive, newest first."""
        if self.reading is not None:
            rows = [{**one, "price": _price(one)} for one in self.reading.orders(self._span, limit=MOST)]
        else:
            rows = self.view(
                "SELECT * FROM orders WHERE updated_ns BETWEEN ? AND ? ORDER BY updated_ns DESC LIMIT ?",
                *self._span,
                MOST,
            )
        known = {one["order_id"] for one in alive}
        return [*alive, *(one for one in rows if one["order_id"] not in known)]

    def denials(self) -> list[Row]:
        """Refusals: {reason, n, last_ns}, most first."""
        if self.reading is not None:
            return self.reading.denials(self._span)["counts"]
        return self.view(
            "SELECT * FROM denials WHERE last_ns BETWEEN ? AND ? ORDER BY n DESC LIMIT 40", *self._span
        )

    def regimes(self) -> list[Row]:
        """What trades earned by the kind of market they were opened in; none without the read model."""
        return [] if self.reading is None else self.reading.attribution(self._span, "regime")

    def equity(self, curve: Callable[[int], list[performance.Point]], points: int) -> list[performance.Point]:
        """The equity curve, oldest first. curve: the view's own, from a moment on."""
        if self.reading is None:
            return curve(self.since_ns)
        return [
            (int(one["at_ns"]), float(one["equity"]), float(one["drawdown"]))
            for one in self.reading.equity(self._span, points)
        ]


def _price(order: Row) -> Any:
    return order.get("limit_price") or order.get("stop_price") or order.get("reference_price")
