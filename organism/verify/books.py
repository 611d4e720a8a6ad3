"""Cash and quantities computed again from fills alone, and compared with what metabolism said."""

import math
from collections.abc import Callable, Iterable
from decimal import Context, Decimal, localcontext
from typing import Any

from organism.market import Instrument
from organism.messages import PortfolioMarked

ZERO = Decimal(0)
# Sums of fills are exact; this many digits is far beyond any that occur.
EXACT = Context(prec=200)
_IDENTITY = 1e-6  # relative: equity is a float, and average prices are rounded to twelve places

Finds = Callable[[str, str, int | None], None]


class Books:
    """Double-entry in miniature: what each fill does to cash and to a quantity."""

    def __init__(self, instruments: Iterable[Instrument] = ()) -> None:
        self._instruments = {i.symbol: i for i in instruments}
        self.cash = ZERO  # relative to the start
        self.quantities: dict[str, Decimal] = {}

    def book(self, fill: Any, fee_currency: str | None = None) -> None:
        """Apply one fill; the caller applies each once."""
        base, quote = self._currencies(fill.symbol)
        instrument = self._instruments.get(fill.symbol)
        multiplier = instrument.multiplier if instrument is not None else Decimal(1)
        bought = getattr(fill.side, "value", fill.side) == "buy"
        currency = fee_currency if fee_currency is not None else getattr(fill, "fee_currency", quote)
        with localcontext(EXACT):
            signed = fill.quantity if bought else -fill.quantity
            self.cash -= signed * fill.price * multiplier
            if currency == quote:
                self.cash -= fill.fee
            elif currency == base:
                signed -= fill.fee
            self.quantities[fill.symbol] = self.quantities.get(fill.symbol, ZERO) + signed

    def write_off(self, symbol: str) -> None:
        """Dust given up by name: the books hold none of it any more."""
        self.quantities[symbol] = ZERO

    def held(self) -> dict[str, Decimal]:
        """Quantities that are not zero."""
        return {symbol: quantity for symbol, quantity in self.quantities.items() if quantity}

    def open_with(self, mark: PortfolioMarked) -> None:
        """Take what a mark says for what came before: for journals whose beginning is kept elsewhere."""
        self.quantities = {p.symbol: p.quantity for p in mark.positions}

    def _currencies(self, symbol: str) -> tuple[str, str]:
        instrument = self._instruments.get(symbol)
        if instrument is not None:
            return instrument.base, instrument.quote
        base, _, rest = symbol.partition("/")
        return base, rest.partition(":")[0]


class Ledger:
    """Follows metabolism: books each fill when it does, and checks every mark."""

    def __init__(self, instruments: Iterable[Instrument], finds: Finds) -> None:
        self.books = Books(instruments)
        self.start: Decimal | None = None
        self.n_marks = 0
        self.partial = False  # rows before the first one we have are gone
        self._finds = finds
        self._said: set[str] = set()

    def mark(self, mark: PortfolioMarked, seq: int) -> None:
        """Compare one valuation with the sum of fills. The first breach of a kind is reported, not its echoes."""
        self.n_marks += 1
        if self.start is None:
            if self.partial:
                self.books.open_with(mark)
            with localcontext(EXACT):
                self.start = mark.cash - self.books.cash
        with localcontext(EXACT):
            cash = self.start + self.books.cash
        if mark.cash != cash:
            self._once("cash", f"cash was {mark.cash:f}, the fills make {cash:f}", seq)
        said = {p.symbol: p.quantity for p in mark.positions if p.quantity}
        held = self.books.held()
        for symbol in sorted(said.keys() | held.keys()):
            ours, theirs = held.get(symbol, ZERO), said.get(symbol, ZERO)
            if ours != theirs:
                text = f"{symbol}: the books hold {theirs:f}, the fills make {ours:f}"
                self._once(f"position {symbol}", text, seq)
        self._identity(mark, seq)

    def _identity(self, mark: PortfolioMarked, seq: int) -> None:
        start = float(self.start or ZERO)
        if self.partial:
            return  # what was realised and paid before is not known
        if mark.unrealised.is_nan():
            return  # a holding without a believable price: equity is not known, and says so
        made = start + float(mark.realised) + float(mark.unrealised) - float(mark.fees)
        if not math.isfinite(mark.equity) or not abs(mark.equity - made) <= _IDENTITY * max(1.0, abs(start)):
            text = f"equity was {mark.equity!r}; start + realised + unrealised − fees is {made!r}"
            self._once("identity", text, seq)

    def _once(self, kind: str, text: str, seq: int) -> None:
        if kind not in self._said:
            self._said.add(kind)
            self._finds("ledger", f"{text} (first of its kind; later marks repeat it).", seq)
