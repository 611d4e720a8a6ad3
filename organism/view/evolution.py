"""What the view knows of breeding, and how it is said: the page and `organism status` use the same words."""

from collections.abc import Mapping
from typing import Any

SILENT_S = 180.0  # a breeder runs when nobody else does, and one piece of work may last
NOT_FUNDED = "Nothing bred is funded: the founders trade until something bred has been validated."
_BEST = (
    "genome_id",
    "family",
    "parameters",
    "text",
    "sharpe",
    "consistency",
    "max_drawdown",
    "turnover",
    "trades",
)
_COUNTS = (
    "round",
    "generation",
    "generations",
    "bars",
    "until_ns",
    "evaluations_per_s",
    "evaluated",
    "front",
)


def evolution_of(state: Mapping[str, Any]) -> dict[str, Any]:
    """Breeding as one document, from the `state` table of a view.

    phase    off, settling, waiting, breeding, resting, troubled, silent, or unknown (a view that says nothing of it)
    sentence for a person
    """
    live, bred = _part(state, "breeding"), _part(state, "evolution")
    phase = str(live.get("phase") or "unknown")
    silent_s = live.get("silent_s")
    if (
        phase in {"waiting", "breeding", "resting"}
        and isinstance(silent_s, int | float)
        and silent_s > SILENT_S
    ):
        phase = "silent"
    best = bred.get("best")
    found: dict[str, Any] = {
        "enabled": phase not in {"off", "unknown"},
        "phase": phase,
        "detail": str(live.get("detail") or ""),
        "needed": live.get("needed"),
        **{name: bred.get(name) for name in _COUNTS},
        "trials_total": bred.get("trials"),
        "best": {name: best.get(name) for name in _BEST} if isinstance(best, dict) else None,
    }
    found["sentence"] = _sentence(found, live)
    return found


def _sentence(found: Mapping[str, Any], live: Mapping[str, Any]) -> str:
    needed = found["needed"]
    bars = f"{needed:,} more bars were lived" if isinstance(needed, int) else "more bars were lived"
    match found["phase"]:
        case "off":
            return "Off: nothing is bred, founders only."
        case "settling":
            after_s = live.get("after_s")
            soon = f" {after_s:.0f} s after the start" if isinstance(after_s, int | float) else " soon"
            return f"Begins{soon} at the earliest: the body wakes first."
        case "waiting":
            return f"Breeding begins when {bars}."
        case "breeding" if not _is_told(found):
            return "Judging the founders of the first round."
        case "breeding":
            return (
                f"Generation {found['generation']} of {found['generations']} in round {found['round']}, "
                f"bred on {found['bars']:,} bars."
            )
        case "resting":
            return f"Round {found['round'] or 'one'} is over; the next one begins when {bars}."
        case "troubled":
            return f"Hindered, and tried again: {found['detail']}"
        case "silent":
            return "The breeder has said nothing for minutes; the machine may be too busy for it. Trading goes on without it."
    return "Nothing is known of breeding yet."


def _is_told(found: Mapping[str, Any]) -> bool:
    """Whether a whole generation is known: the view may be of another version."""
    return all(isinstance(found[name], int) for name in ("round", "generation", "generations", "bars"))


def _part(state: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = state.get(key)
    return found if isinstance(found, dict) else {}
