"""What the page says of breeding: how far it is, how fast, the best of it, and that nothing of it is funded."""

import json
from typing import Any

from dashboard import figures, tables
from dashboard.glimpse import Glimpse
from organism.view.evolution import evolution_of


def piece(glimpse: Glimpse) -> dict[str, Any]:
    """How far the round is, and the best of it: {share, cells, name, best}; `best` None before there is one."""
    found = evolution_of(glimpse.state)
    share = figures.number(glimpse.part("breeding").get("cpu_share"))
    return {
        "share": f"{figures.percent(share, 0)} of one core" if share and found["enabled"] else "",
        "cells": _course(found),
        "name": str(found["best"].get("genome_id") or "")[:120] if found["best"] else "",
        "best": _best(found),
    }


def _course(found: dict[str, Any]) -> list[list[str]]:
    if figures.number(found["generation"]) is None:
        return []
    return [
        [
            "Generation",
            figures.plain(found["generation"], 0),
            f"of {figures.plain(found['generations'], 0)}, round {figures.plain(found['round'], 0)}",
        ],
        ["Rate", figures.plain(found["evaluations_per_s"], 0), "evaluations a second, pauses included"],
        ["Trials", figures.plain(found["trials_total"], 0), "on these bars, ever"],
        ["Front", figures.plain(found["front"], 0), "in the hall of fame"],
    ]


def _best(found: dict[str, Any]) -> dict[str, Any] | None:
    best = found["best"]
    if best is None:
        return None
    pairs = [pair for pair in best["parameters"] or [] if isinstance(pair, list | tuple) and len(pair) == 2]  # noqa: PLR2004
    row = {**best, "parameters": json.dumps({str(name): value for name, value in pairs})}
    rules = tables.rules_of(row) or {"rules": [], "more": []}
    trials = figures.plain(found["trials_total"], 0)
    return {
        **rules,
        "cells": [
            ["Sharpe", figures.plain(best["sharpe"]), "a year"],
            ["Max drawdown", figures.percent(best["max_drawdown"]), "at 10 % volatility"],
            ["Consistency", figures.plain(best["consistency"]), "of 1"],
            ["Trades", figures.plain(best["trades"], 0), f"on {figures.plain(found['bars'], 0)} bars"],
        ],
        "luck": f"On the bars it was bred on. The best of {trials} trials looks good by luck alone.",
    }
