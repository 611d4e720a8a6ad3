"""Reports in a state folder, for tests: small, and of what they are asked to be."""

import math

from organism import reports

FIRST_DAY = 19_723  # 2024-01-01
MADE_S = 1_750_000_000
TEXT = [["entry long", "ema(12) crosses_above ema(26)"], ["genes", "stop=0.05 size=0.5"]]


def returns(n=100, seed=1, mean=0.001):
    """Daily returns that look like some and are always the same."""
    return [round(mean + 0.01 * math.sin(seed * 12.9898 + day * 78.233), 6) for day in range(n)]


def backtest(state, *, nth=0, n=100, mean=0.001, seed=1, first=FIRST_DAY, **changed):
    """Keep the report of a backtest; its id."""
    figures = {
        "total_return": mean * n,
        "sharpe": 100.0 * mean,
        "max_drawdown": 0.1 + mean,
        "n_trades": 40.0,
        "trials_total": 7.0,
    }
    told = {
        "title": f"strategy {nth} on BTC/USDT", "figures": figures, "days": list(range(first, first + n)), "returns": returns(n, seed, mean),
        "asked": {"genome_id": f"ema_0_{nth:08x}", "params": {"fast": 5 + nth}, "costs": {"taker": 0.001}, "seed": 1},
        "version": "0.1.0", "warnings": [f"warning {nth}"],
    }  # fmt: skip
    return reports.write(state, "backtest", MADE_S + nth, told | changed)


def evolution(state, *, nth=0, genomes=3, **changed):
    """Keep the report of a run of evolution; its id."""
    told = {
        "title": "evolve on BTC/USDT", "figures": {"sharpe": 1.5, "n_trades": 31.0, "trials_total": 500.0, "front": 3.0},
        "days": list(range(FIRST_DAY, FIRST_DAY + 100)), "returns": returns(100, 9, 0.0), "asked": {"seed": nth},
        "genomes": [
            {"id": f"bred_5_{nth}{each}", "says": [*TEXT[:1], ["genes", f"stop=0.0{each + 1} size=0.5"]], "trades": 30.0 + each,
             "objectives": {"sharpe": 1.5 - each, "consistency": 0.5, "drawdown": -0.07, "turnover": -20.0}}
            for each in range(genomes)
        ],
        "generations": [{"generation": at, "sharpe": 0.1 * at, "median": -1.0, "front": 3.0} for at in range(6)],
        "fronts": [{"generation": at, "members": [[0.1, 0.1 * at], [0.05, 0.05]]} for at in (0, 3, 5)],
    }  # fmt: skip
    return reports.write(state, "evolve", MADE_S + 100 + nth, told | changed)
