"""What a strategy is: a pure, incremental function from bars to a forecast. Founders and bred genomes alike."""

from typing import Any, Protocol, runtime_checkable

import msgspec

from organism.market import Bar

NAN = float("nan")


class CompiledState(msgspec.Struct, frozen=True, gc=False, tag="compiled"):
    """Memory of a compiled genome: float64 numbers, packed.

    layout   the kernels that wrote it; the numbers mean nothing to others
    """

    memory: bytes
    layout: str = ""


@runtime_checkable
class Strategy(Protocol):
    """A strategy without its state.

    family        what kind it is: "ema_trend", "rsi_reversion", …
    parameters    name–value pairs, sorted by name: the genes
    warmup_bars   after this many bars the forecast is a number; NaN before

    `step` must be pure and causal: the forecast after bar t depends on bars up to t alone. Its state is a frozen
    struct that msgpack can carry; the forecast lies in [−1, 1], or is NaN while warming up.
    """

    @property
    def family(self) -> str:
        """What kind of strategy it is."""
        ...

    @property
    def parameters(self) -> tuple[tuple[str, float], ...]:
        """Genes by name, sorted."""
        ...

    @property
    def warmup_bars(self) -> int:
        """Bars until the first forecast."""
        ...

    def initial(self) -> Any:
        """State before the first bar."""
        ...

    def step(self, state: Any, bar: Bar) -> tuple[Any, float]:
        """Next state, and the forecast after this bar."""
        ...
