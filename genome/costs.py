"""What trading costs: fees, spread, slippage, impact, funding. Fractions of notional throughout (SEMANTICS.md, 5)."""

import math
from dataclasses import dataclass, fields

from organism.errors import BadInput


@dataclass(frozen=True, slots=True)
class Costs:
    """The cost model of a backtest.

    taker, maker          fees; the worse of the common schedules is the default (0.1 %, S4-18.5)
    slippage              fixed (0.05 %, S4-26.6)
    half_spread           paid by every taker fill
    volatility_slippage   times σ of the last 20 log returns per bar
    volume_slippage       times the share of a mean bar's notional that is wanted
    impact                times σ·√(that share): the square-root law; 0 is off
    book_offsets, book_depths   three levels: fractions of price, quote notional; replace `slippage` when given
    maintenance           margin rate at which a position is liquidated
    missing_funding       rate per interval assumed where one is missing; paid by longs, received by nobody
    """

    taker: float = 0.001
    maker: float = 0.001
    slippage: float = 0.0005
    half_spread: float = 0.0
    volatility_slippage: float = 0.0
    volume_slippage: float = 0.0
    impact: float = 0.0
    book_offsets: tuple[float, float, float] | None = None
    book_depths: tuple[float, float, float] | None = None
    maintenance: float = 0.005
    missing_funding: float = 0.0001

    def __post_init__(self) -> None:
        """Refuse what cannot be a cost."""
        for part in fields(self):
            value = getattr(self, part.name)
            numbers = value if isinstance(value, tuple) else () if value is None else (value,)
            if not all(math.isfinite(x) and x >= 0.0 for x in numbers):
                raise BadInput(f"cost {part.name} was {value!r}; costs are finite and not negative.")
        if not (self.taker < 1.0 and self.maker < 1.0 and self.slippage < 1.0 and self.maintenance < 1.0):
            raise BadInput(
                "a fee, slippage or maintenance rate of 100 % or more was given; fractions are meant: 0.001 is 0.1 %."
            )
        if (self.book_offsets is None) != (self.book_depths is None):
            raise BadInput("book_offsets and book_depths belong together; only one was given.")
