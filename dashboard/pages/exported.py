"""A table as CSV. A spreadsheet must never take what a stranger wrote for a formula."""

import csv
import io
import re
from typing import Any

_FORMULA = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    "\uff1d",
    "\uff0b",
    "\uff0d",
    "\uff20",
)  # also at full width
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def safe(value: object) -> str:
    """A cell: what a spreadsheet would compute gets a leading apostrophe, unless it is a plain number.

    >>> safe("=1+1"), safe("-3.5"), safe("+cmd"), safe(" =x"), safe("BTC")
    ("'=1+1", '-3.5', "'+cmd", "' =x", 'BTC')
    """
    text = "" if value is None else str(value).replace("\x00", "")
    if text.lstrip(" \xa0").startswith(_FORMULA) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def as_csv(piece: dict[str, Any]) -> str:
    """Heads and rows of a table piece, comma separated, quoted where needed; exact values rather than what is shown."""
    out = io.StringIO()
    writer = csv.writer(out)
    heads = piece.get("heads", [])
    told = [nth for nth, head in enumerate(heads) if "acts" not in head]  # buttons are no value
    writer.writerow([safe(heads[nth]["t"]) for nth in told])
    for _, cells in piece.get("rows", []):
        if len(cells) == 1 and "rules" in cells[0]:
            continue  # a note below its row
        writer.writerow([safe(_value(cells[nth])) for nth in told])
    return out.getvalue()


def _value(cell: dict[str, Any]) -> object:
    for name in ("x", "v", "tag", "lean", "heat"):
        if cell.get(name) is not None:
            return cell[name]
    return ""
