"""`organism status`: vitals from the view; answers within half a second, body or no body."""

from typing import Any

from genome.lived import in_words
from organism.cli.context import emit, state_folder
from organism.cli.parser import Options
from organism.status import render, status


def perform(options: Options) -> int:
    """Print them."""
    found = status(state_folder(options))
    found["strategies"] = [_in_words(row) for row in found["strategies"]]
    best = found["evolution"]["best"]
    if best is not None:
        found["evolution"]["best"] = _in_words({**best, "parameters": dict(best["parameters"] or ())})
    if options.json:
        emit(found)
    else:
        print(render(found))
    return 0


def _in_words(row: dict[str, Any]) -> dict[str, Any]:
    """A strategy of the view with what it does, as (label, text) pairs in `rules`."""
    genes = tuple((n, v) for n, v in (row["parameters"] or {}).items() if isinstance(v, int | float))
    words = in_words(row["genome_id"], str(row["family"]), genes, row["text"] or "")
    return {**row, "rules": [list(pair) for pair in words]}
