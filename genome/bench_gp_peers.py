"""DEAP and Operon on the market of the bench, each as its own documentation has it, whole loop.

Neither is a dependency: they are measured beside the loop of evolution where somebody installed them (DEAP: extra
`[bench]`). Their tasks are lighter than a simulation. DEAP's trees read twelve columns that were computed before, and are
worth the Sharpe ratio of being long or flat, with a cost at each change: no orders, stops, sizes or daily accounts.
Operon fits numbers, in float32, and knows no trades at all.
"""

import importlib
import importlib.util
import operator
import random
import statistics
import time
from importlib.metadata import version
from typing import Any, NamedTuple

import numpy as np

from genome.market import F64, Market

COST = 0.001
"""Of a change of position, as a share of its value: a fee and slippage of five basis points each."""
_WINDOWS = (5, 8, 13, 21, 34, 55, 89, 144, 233)
_RETURN_WINDOWS = (5, 20, 80)
_CROSSOVER, _MUTATION, _TOURNAMENT, _HEIGHT = 0.7, 0.2, 5, 8


class Loop(NamedTuple):
    """A whole run of a peer: seconds, also of processor, individuals it evaluated, how many were distinct, their mean length."""

    seconds: float
    processor_s: float
    evaluated: int
    distinct: int
    nodes: float


def deap_installed() -> str | None:
    """Version of DEAP, or None where it is not installed."""
    return version("deap") if importlib.util.find_spec("deap") else None


def operon_installed() -> str | None:
    """Version of Operon, or None where it is not installed."""
    return version("pyoperon") if importlib.util.find_spec("pyoperon") else None


def columns(market: Market) -> F64:
    """What DEAP's trees read, float64 (12, bars): distances from averages, and averaged returns, of unit deviation."""
    close = market.column("close")
    rows = [close / _ema(close, w) - 1.0 for w in _WINDOWS]
    rows += [_ema(_returns(close), w) for w in _RETURN_WINDOWS]
    found = np.vstack(rows)
    scaled: F64 = found / found.std(axis=1, keepdims=True)
    return scaled


def worth(positions: Any, returns: F64, per_year: float) -> float:
    """Sharpe ratio a year of holding position t − 1 over bar t, paying COST at each change; 0 where nothing varies."""
    held = np.broadcast_to(np.asarray(positions, float), returns.shape)
    earned = np.zeros(returns.size)
    earned[1:] = held[:-1] * returns[1:] - COST * np.abs(np.diff(held))
    deviation = earned.std()
    return float(earned.mean() / deviation * np.sqrt(per_year)) if deviation > 0.0 else 0.0


def deap(market: Market, population: int, generations: int, seed: int) -> Loop:
    """`deap.algorithms.eaSimple` on typed trees, as fast as its documentation makes it. Global random numbers are drawn."""
    gp, tools, algorithms = (
        importlib.import_module(f"deap.{part}") for part in ("gp", "tools", "algorithms")
    )
    random.seed(seed)
    rows, returns = list(columns(market)), _returns(market.column("close"))
    per_year = 365 * 86_400 / market.bar_s
    words = _words(gp, len(rows))
    born = _individual(gp)
    seen: list[tuple[str, int]] = []

    def judged(one: Any) -> tuple[float]:
        seen.append((one, len(one)))
        return (worth(gp.compile(one, words)(*rows), returns, per_year),)

    box = importlib.import_module("deap.base").Toolbox()
    box.register("expr", gp.genHalfAndHalf, pset=words, min_=2, max_=5)
    box.register("individual", tools.initIterate, born, box.expr)
    box.register("population", tools.initRepeat, list, box.individual)
    box.register("evaluate", judged)
    box.register("select", tools.selTournament, tournsize=_TOURNAMENT)
    box.register("mate", gp.cxOnePoint)
    box.register("expr_mut", gp.genFull, min_=0, max_=2)
    box.register("mutate", gp.mutUniform, expr=box.expr_mut, pset=words)
    for name in ("mate", "mutate"):
        box.decorate(name, gp.staticLimit(operator.attrgetter("height"), _HEIGHT))
    began, began_p = time.perf_counter(), time.process_time()
    algorithms.eaSimple(box.population(population), box, _CROSSOVER, _MUTATION, generations, verbose=False)
    seconds, processor_s = time.perf_counter() - began, time.process_time() - began_p
    # An individual that was judged is not varied in place again: it is cloned first. So its text still is what was judged.
    texts = {str(one) for one, _ in seen}
    return Loop(seconds, processor_s, len(seen), len(texts), statistics.fmean(size for _, size in seen))


def operon(market: Market, population: int, generations: int, seed: int, threads: int) -> Loop:
    """Operon's symbolic regression of the next bar's return on the same columns, without its optimiser of constants."""
    regressor = importlib.import_module("pyoperon.sklearn").SymbolicRegressor
    x = columns(market).T.astype(np.float32)
    y = np.append(_returns(market.column("close"))[1:], 0.0).astype(np.float32)
    model = regressor(
        population_size=population, generations=generations, max_evaluations=10**9, n_threads=threads, optimizer_iterations=0,
        max_length=25, random_state=seed, allowed_symbols="add,sub,mul,div,constant,variable",
    )  # fmt: skip
    began, began_p = time.perf_counter(), time.process_time()
    model.fit(x, y)
    seconds, processor_s = time.perf_counter() - began, time.process_time() - began_p
    count = int(model.stats_["evaluation_count"])
    return Loop(seconds, processor_s, count, count, float(model.stats_["model_length"]))


class _Numbers:
    """Type of a price or ratio in DEAP's trees."""


class _Truths:
    """Type of a condition in DEAP's trees."""


def _words(gp: Any, n_columns: int) -> Any:
    words = gp.PrimitiveSetTyped("P", [_Numbers] * n_columns, _Truths)
    for functions, taken, given in _FUNCTIONS:
        for function in functions:
            words.addPrimitive(function, taken, given, name=function.__name__.strip("_"))
    words.addEphemeralConstant("constant", _drawn, _Numbers)
    words.addTerminal(True, _Truths, name="always")  # noqa: FBT003 - the value of a leaf
    words.addTerminal(False, _Truths, name="never")  # noqa: FBT003
    return words


def _divided(a: F64, b: F64) -> Any:
    return a / np.sqrt(1.0 + b * b)


_FUNCTIONS: tuple[tuple[tuple[Any, ...], list[type], type], ...] = (
    (
        (np.add, np.subtract, np.multiply, _divided, np.maximum, np.minimum),
        [_Numbers, _Numbers],
        _Numbers,
    ),
    ((np.negative, np.tanh), [_Numbers], _Numbers),
    ((np.greater, np.less), [_Numbers, _Numbers], _Truths),
    ((np.logical_and, np.logical_or), [_Truths, _Truths], _Truths),
    ((np.logical_not,), [_Truths], _Truths),
)
"""Functions, kinds of their arguments, and of what they give."""


def _drawn() -> float:
    return round(random.uniform(-2.0, 2.0), 3)


def _individual(gp: Any) -> Any:
    """The class of DEAP's individuals, which it wants made by its own `creator`, once a process."""
    base, creator = importlib.import_module("deap.base"), importlib.import_module("deap.creator")
    if not hasattr(creator, "BenchFitness"):
        creator.create("BenchFitness", base.Fitness, weights=(1.0,))
        creator.create("BenchTree", gp.PrimitiveTree, fitness=creator.BenchFitness)
    return creator.BenchTree


def _returns(close: F64) -> F64:
    return np.concatenate([[0.0], close[1:] / close[:-1] - 1.0])


def _ema(values: F64, window: int) -> F64:
    weight, found = 2.0 / (window + 1), np.empty_like(values)
    level = found[0] = values[0]
    for i, value in enumerate(values[1:].tolist(), 1):
        level += weight * (value - level)
        found[i] = level
    return found
