"""Random expressions and genomes for hypothesis: typed, within all bounds, and sensible.

Prices meet prices, an RSI meets 0 to 100, z-scores meet −3 to 3: on ordinary bars such conditions are sometimes true
and sometimes false, which is what tests of engines need. Words that need all assets of a market are left out.
"""

from hypothesis import strategies as st

from genome.genome import Genome
from genome.trees import (
    Binary,
    Both,
    Column,
    Compare,
    Cross,
    Either,
    Gene,
    Indicator,
    Not,
    Number,
    Truth,
    Unary,
)
from genome.vocabulary import TIMEFRAMES, WORDS

PRICES = ("open", "high", "low", "close", "typical")
GENES = {"fast": 5.0, "slow": 13.0, "level": 0.75, "period": 7.4}
"""Named constants that random trees may use, with values within every bound; `period` wants rounding."""

_COMPARISONS = st.sampled_from((">", "<", ">=", "<="))
_CROSSES = st.sampled_from(("crosses_above", "crosses_below"))
_LEVELS = {
    "percent": (5.0, 95.0), "deviations": (-3.0, 3.0), "number": (0.2, 2.5),
    "hour": (0.0, 23.0), "weekday": (0.0, 6.0), "funding": (-0.001, 0.001), "fear_greed": (0.0, 100.0),
    "book_imbalance": (-1.0, 1.0),
}  # fmt: skip
_SMALL = {
    "roc": (-0.05, 0.05), "gap": (-0.02, 0.02), "bb_width": (0.0, 0.2), "volatility": (0.0, 0.03),
    "volatility_percentile": (0.0, 1.0), "volume_trend": (-0.1, 0.1), "macd": (-2.0, 2.0), "macd_signal": (-2.0, 2.0),
    "macd_histogram": (-1.0, 1.0),
}  # fmt: skip
_BY_KIND = {
    kind: tuple(w.name for w in WORDS.values() if w.kind == kind and not w.panel)
    for kind in ("price", "fraction", "percent", "volume", "deviations", "number")
}
_DISTANCES = ("atr", "true_range")


def _number(low, high):
    return st.floats(low, high).map(lambda x: Number(round(x, 4)))


@st.composite
def indicators(draw, names, *, longest=24, timeframes=False, constants=True, nested=1):
    """An indicator of one of the names. longest: the longest window; nested: sources within sources, at most."""
    word = WORDS[draw(st.sampled_from(names))]
    arguments = []
    for parameter in word.parameters:
        if parameter.choices:
            arguments.append(Number(float(draw(st.integers(0, len(parameter.choices) - 1)))))
        elif parameter.integer:
            if constants and parameter.low <= 2 and draw(st.integers(0, 9)) == 0:
                arguments.append(Gene(draw(st.sampled_from(("fast", "slow", "period")))))
            else:
                high = max(parameter.low + 1, min(parameter.high, longest))
                arguments.append(Number(float(draw(st.integers(int(parameter.low), int(high))))))
        else:
            arguments.append(draw(_number(parameter.low, min(parameter.high, 4.0))))
    source = None
    if word.takes_source and draw(st.integers(0, 2)) == 0:
        if nested and draw(st.booleans()):
            inner = (
                ("sma", "ema", "rsi", "highest", "lag", "atr")
                if word.kind != "price"
                else ("sma", "wma", "lag", "lowest")
            )
            source = draw(indicators(inner, longest=longest, constants=constants, nested=nested - 1))
        else:
            source = Column(draw(st.sampled_from(PRICES)))
    timeframe = draw(st.sampled_from(tuple(TIMEFRAMES))) if timeframes and draw(st.booleans()) else ""
    return Indicator(word.name, tuple(arguments), source, timeframe)


@st.composite
def prices(draw, **options):
    """A series in the unit of a price."""
    base = draw(
        st.one_of(
            st.sampled_from(PRICES).map(Column),
            indicators(tuple(n for n in _BY_KIND["price"] if n not in _DISTANCES), **options),
        )
    )
    match draw(st.integers(0, 7)):
        case 0:
            distance = draw(indicators(_DISTANCES, **options))
            return Binary(draw(st.sampled_from("+-")), base, Binary("*", draw(_number(0.5, 3.0)), distance))
        case 1:
            return Binary("*", base, draw(_number(0.98, 1.02)))
        case 2:
            return Binary(draw(st.sampled_from(("min", "max"))), base, Column(draw(st.sampled_from(PRICES))))
        case 3:
            return Unary("-", Unary("-", base))
        case _:
            return base


@st.composite
def pairs(draw, **options):
    """Two series that may sensibly be compared."""
    match draw(st.sampled_from(("price",) * 4 + ("level", "column", "small", "volume", "move", "mixed"))):
        case "price":
            return draw(prices(**options)), draw(prices(**options))
        case "level":
            kind = draw(st.sampled_from(("percent", "deviations", "number")))
            names = tuple(n for n in _BY_KIND[kind] if n not in _SMALL)
            return draw(indicators(names, **options)), draw(_number(*_LEVELS[kind]))
        case "column":
            name = draw(st.sampled_from(("hour", "weekday", "funding", "fear_greed", "book_imbalance")))
            return Column(name), draw(_number(*_LEVELS[name]))
        case "small":
            name = draw(st.sampled_from(tuple(_SMALL)))
            return draw(indicators((name,), **options)), draw(_number(*_SMALL[name]))
        case "volume":
            left = draw(st.one_of(st.just(Column("volume")), indicators(("obv",), **options)))
            average = Indicator("sma", (Number(float(draw(st.integers(2, 20)))),), Column("volume"))
            return left, average
        case "move":
            change = Binary(
                "/", Binary("-", Column("close"), Column("open")), draw(indicators(_DISTANCES, **options))
            )
            return Unary("abs", change), draw(_number(0.1, 1.5))
        case _:
            level = Gene("level") if options.get("constants", True) else Number(0.75)
            return Binary("/", draw(prices(**options)), draw(prices(**options))), level


@st.composite
def conditions(draw, *, depth=3, timeframes=False, constants=True, longest=24, nested=1):
    """A condition. depth: levels of and, or, not; constants: named ones, of GENES, may stand in it."""
    shape = draw(st.integers(0, 9)) if depth else 9
    again = conditions(
        depth=max(depth - 1, 0), timeframes=timeframes, constants=constants, longest=longest, nested=nested
    )
    match shape:
        case 0 | 1:
            return Both(draw(again), draw(again))
        case 2 | 3:
            return Either(draw(again), draw(again))
        case 4:
            return Not(draw(again))
        case 5 if draw(st.integers(0, 4)) == 0:
            return Truth(draw(st.booleans()))
    left, right = draw(pairs(timeframes=timeframes, constants=constants, longest=longest, nested=nested))
    if draw(st.booleans()):
        left, right = right, left
    if draw(st.integers(0, 3)) == 0:
        return Cross(draw(_CROSSES), left, right)
    return Compare(draw(_COMPARISONS), left, right)


def _fraction(low, high):
    return st.floats(low, high).map(lambda x: round(x, 4))


_RULES = {
    "stop": _fraction(0.01, 0.05), "target": _fraction(0.02, 0.1), "trailing": _fraction(0.01, 0.08),
    "stop_atr": _fraction(0.5, 4.0), "maximum_hold": st.integers(1, 30).map(float),
    "cool_down": st.integers(0, 5).map(float), "drawdown_stop": _fraction(0.05, 0.2),
    "position_limit": _fraction(0.1, 1.0),
}  # fmt: skip
_SIZES = {
    0: {"size": _fraction(0.05, 1.0)},
    1: {"risk": _fraction(0.01, 0.02)},
    2: {"target_volatility": _fraction(0.1, 1.0), "volatility_window": st.integers(5, 30).map(float)},
    3: {"kelly_cap": _fraction(0.05, 0.25)},
}


def names_in(*trees):
    """Names of constants in trees."""
    found, waiting = set(), [t for t in trees if t is not None]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Gene):
            found.add(node.name)
        for field in node.__struct_fields__:
            inside = getattr(node, field)
            waiting.extend(
                i
                for i in (inside if isinstance(inside, tuple) else (inside,))
                if hasattr(i, "__struct_fields__")
            )
    return found


@st.composite
def genomes(draw, *, depth=2, timeframes=False, constants=True, longest=24, nested=1, sized=True):
    """A genome that `genome.checking.check` accepts. sized: with stops, holds and a size rule among its genes."""
    trees = conditions(
        depth=depth, timeframes=timeframes, constants=constants, longest=longest, nested=nested
    )
    entries = draw(st.sampled_from(("long", "short", "both")))
    maybe = st.one_of(st.none(), trees)
    parts = {
        "entry_long": draw(trees) if entries != "short" else None,
        "exit_long": draw(maybe) if entries != "short" else None,
        "entry_short": draw(trees) if entries != "long" else None,
        "exit_short": draw(maybe) if entries != "long" else None,
    }
    genes = {name: GENES[name] for name in names_in(*parts.values())}
    if sized:
        for name in draw(st.lists(st.sampled_from(tuple(_RULES)), unique=True, max_size=4)):
            genes[name] = draw(_RULES[name])
        rule = draw(st.sampled_from((0, 1, 2, 3) if {"stop", "stop_atr"} & genes.keys() else (0, 2, 3)))
        genes["sizing"] = float(rule)
        genes |= {name: draw(values) for name, values in _SIZES[rule].items()}
    return Genome(family="random", genes=tuple(sorted(genes.items())), **parts)
