"""How a text file is laid out: comments above, separator, decimal comma, header, first rows."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from organism.errors import BadInput
from organism.lake.importing.roles import is_header

_HEAD: Final = 1 << 16
_ROWS: Final = 200
_ABOVE: Final = 20
_SEPARATORS: Final = (",", ";", "\t", "|")
_COMMA: Final = re.compile(r"-?\d+,\d+")
_POINT: Final = re.compile(r"-?\d+\.\d+")
_NAME: Final = re.compile(r"\"?<?[^\W\d]")
_BEGINS: Final = re.compile(r"\s*\"?(\d|[A-Z][a-z]{2} \d)")


@dataclass(frozen=True, slots=True)
class Dialect:
    """Layout of a text file.

    skip      lines above the first row of numbers, blank ones among them
    header    names of the columns, or None
    rows      cells of the first rows, unread as numbers
    above     what stood above the header: comments name sources
    comma     the decimal separator is a comma
    """

    separator: str
    skip: int
    header: tuple[str, ...] | None
    rows: tuple[tuple[str, ...], ...]
    above: str
    comma: bool

    @property
    def width(self) -> int:
        """Columns."""
        return max(len(self.header or ()), max((len(row) for row in self.rows), default=0))


def dialect_of(path: Path, said: str) -> Dialect:
    """Look at the first 64 KiB. Raises `BadInput` where it is no text, or holds no row."""
    with path.open("rb") as file:
        raw = file.read(_HEAD)
    if not raw.strip():
        raise BadInput(f"{said} is empty; at least one row is needed.")
    whole = len(raw) < _HEAD
    try:
        text = (raw if whole else raw[: raw.rfind(b"\n") + 1 or None]).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput(
            f"{said} is neither UTF-8 text nor Parquet, Feather or JSON; save it as CSV in UTF-8."
        ) from None
    if "\0" in text:
        raise BadInput(f"{said} holds NUL bytes, so it is no table of text; was it written to the end?")
    lines = text.splitlines()
    separator = _separator(lines)
    header, skip = _header(lines, separator)
    rows = tuple(
        tuple(_cells(line, separator))
        for line in lines[skip : skip + _ROWS]
        if line.strip() and (header is not None or _BEGINS.match(line))
    )
    if not rows:
        what = "a header and no rows" if header else f"no row of numbers; it begins {lines[0][:60]!r}"
        raise BadInput(f"{said} has {what}; at least one row is needed.")
    numbers = [cell for row in rows for cell in row]
    comma = (
        separator != "," and any(map(_COMMA.fullmatch, numbers)) and not any(map(_POINT.fullmatch, numbers))
    )
    return Dialect(separator, skip, header, rows, "\n".join(lines[:skip]), comma)


def _separator(lines: Sequence[str]) -> str:
    some = [line for line in lines[:_ROWS] if line.strip()]
    counts = {mark: sorted(line.count(mark) for line in some)[len(some) // 2] for mark in _SEPARATORS}
    # A comma in numbers of a file with semicolons is a decimal comma.
    return ";" if counts[";"] >= 2 else max(_SEPARATORS, key=counts.__getitem__)  # noqa: PLR2004


def _cells(line: str, separator: str) -> list[str]:
    return [cell.strip() for cell in next(csv.reader([line], delimiter=separator), [])]


def _header(lines: Sequence[str], separator: str) -> tuple[tuple[str, ...] | None, int]:
    """Names of the columns, and how many lines stand above the first row of numbers."""
    for at, line in enumerate(lines[:_ABOVE]):
        cells = _cells(line, separator)
        if is_header(cells):
            return tuple(cells), at + 1
        # yfinance writes three lines: names without one for the time, the ticker, and "Date" alone.
        below = [_cells(one, separator)[0] for one in lines[at + 1 : at + 3]]
        if cells and cells[0] == "Price" and below == ["Ticker", "Date"]:
            return ("Date", *cells[1:]), at + 3
        if len(cells) > 2 and _BEGINS.match(line):  # noqa: PLR2004 - a time and two numbers at the least
            above = _cells(lines[at - 1], separator) if at else []
            # Columns that have names are not taken for others by their order, however unknown the names are.
            named = len(above) == len(cells) and all(map(_NAME.match, above))
            return (tuple(above) if named else None), at
    return None, next((at for at, line in enumerate(lines) if _BEGINS.match(line)), 0)
