"""The whole page: whose money, how it is in a sentence, then the parts in one column or two."""

from typing import Any, Final

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.text import Text

from organism.redaction import one_line
from organism.status import sentence
from organism.top import parts
from organism.top.blocks import beside, fit
from organism.top.parts import Paper, Sight
from organism.top.words import amount, clock, number, span

WIDE: Final = 150  # columns from which on there are two of them
_GAP: Final = 4
_FADES_S: Final = 3.0  # older figures are grey
_MODES: Final = {
    "ACTIVE": "bold green", "REDUCING": "bold yellow", "HIBERNATING": "bold yellow", "HALTED": "bold red", "DOWN": "bold red",
    "NEVER_STARTED": "bold bright_black",
}  # fmt: skip
_LEFT: Final = (parts.vitals, parts.positions, parts.organs, parts.strategies)
_RIGHT: Final = (parts.brakes, parts.feeds, parts.alerts, parts.breeding)
_ONE: Final = (
    parts.vitals, parts.positions, parts.organs, parts.brakes, parts.feeds, parts.alerts, parts.strategies, parts.breeding,
)  # fmt: skip


class Page:
    """One look, drawn as wide as what it is drawn on.

    foot   a last line, for whoever looks on; with one, the page is no taller than the terminal
    """

    def __init__(self, sight: Sight, foot: str = "") -> None:
        self._sight = sight
        self._foot = foot

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Its lines, each within the width."""
        height = options.height if self._foot else None
        lines = drawn(self._sight, options.max_width, height, self._foot, ascii_only=options.ascii_only)
        for line in lines:
            yield from line.render(console)
            yield Segment.line()


def drawn(
    sight: Sight, width: int, height: int | None, foot: str = "", *, ascii_only: bool = False
) -> list[Text]:
    """All lines of the page. height   lines there is room for, None for any number."""
    found = sight.found
    head = [_headed(found, width), *_said(found, width)]
    if found["mode"] == "NEVER_STARTED":
        body = []
    else:
        room = None if height is None else height - len(head) - 1 - (2 if foot else 0)
        body = [Text(), *_body(sight, width, room, ascii_only=ascii_only)]
    lines = [*head, *body]
    if not foot:
        return lines
    if height is not None:
        lines = [*lines[: height - 1], *(Text() for _ in range(height - 1 - len(lines)))]
    last = Text(foot, "bright_black")
    last.truncate(width, overflow="ellipsis")
    return [*lines, last]


def _body(sight: Sight, width: int, room: int | None, *, ascii_only: bool) -> list[Text]:
    if width < WIDE:
        paper = Paper(width, ascii_only)
        lines = fit([part(sight, paper) for part in _ONE], room)
    else:
        half = (width - _GAP) * 11 // 20
        left, right = Paper(half, ascii_only), Paper(width - _GAP - half, ascii_only)
        lines = beside(
            fit([part(sight, left) for part in _LEFT], room),
            fit([part(sight, right) for part in _RIGHT], room),
            half, _GAP,
        )  # fmt: skip
    if not _is_fresh(sight.found):
        for line in lines:
            line.stylize("dim")
    return lines


def _headed(found: dict[str, Any], width: int) -> Text:
    """Whose money it is, how it stands, how fast; at the right the market's time and how old all this is."""
    body = found["body"]
    line = Text.assemble(
        _money(body), "  ", (str(found["mode"]).replace("_", " "), _MODES.get(found["mode"], "bold"))
    )
    age = number(found["age_s"])
    if body and body.get("safe"):
        line.append("  SAFE MODE", "bold red")
    heard = "" if age is None else f"{span(age)} old"
    right = Text.assemble(
        (f"market {clock(body.get('market_ns'))}", ""),
        "  ",
        (heard, "" if _is_fresh(found) else "bold yellow"),
    )
    if age is None:
        return _truncated(line, width)
    fed = _fed(body)
    if line.cell_len + cell_len(fed) + 2 + right.cell_len <= width:
        line.append(fed, "bright_black")
    space = width - line.cell_len - right.cell_len
    return _truncated(Text.assemble(line, " " * max(2, space), right), width)


def _money(body: dict[str, Any]) -> tuple[str, str]:
    """Paper and live can never be taken for each other, in colours or without."""
    match body.get("mode"):
        case "paper":
            return " PAPER ", "black on cyan"
        case "live":
            return " LIVE MONEY ", "bold white on red"
    return " NO BODY ", "reverse"


def _fed(body: dict[str, Any]) -> str:
    """Which market it sees, where it trades, how fast."""
    feed, venue = (one_line(str(body.get(name) or ""), 20) for name in ("feed", "venue"))
    if not feed:
        return ""
    speed = number(body.get("speed"))
    pace = (
        "" if speed in {None, 1.0} else " as fast as it can" if speed == 0.0 else f" at {amount(speed, 0)}×"
    )
    return f"  {feed}{f' on {venue}' if venue else ''}{pace}"


def _said(found: dict[str, Any], width: int) -> list[Text]:
    """The sentence, on as many lines as it takes."""
    said = Text(one_line(sentence(found), 600))
    first = said.plain.partition(":")[0]
    said.stylize(_MODES.get(found["mode"], "bold"), 0, len(first))
    lines = list(said.wrap(Console(width=width, color_system=None), width))
    for line in lines:
        line.rstrip()
    if not _is_fresh(found) and found["mode"] != "NEVER_STARTED":
        lines.append(_truncated(Text("What follows is the last that is known.", "bold yellow"), width))
    return lines


def _is_fresh(found: dict[str, Any]) -> bool:
    age = number(found["age_s"])
    return bool(found["running"]) and age is not None and age <= _FADES_S


def _truncated(line: Text, width: int) -> Text:
    line.truncate(width, overflow="ellipsis")
    return line
