"""Lines of aligned cells, and which of them stay when the terminal is small."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from rich.text import Text

Cells = Sequence[Text]
GAP: Final = 2  # columns between cells
GOES_FIRST, STAYS = 2, 7  # blocks to keep less than this go before others are cut; from this on none goes


@dataclass(frozen=True, slots=True)
class Block:
    """One part of the page.

    lines   its title first, all of one line each
    short   the same in a line or two, for where there is no room; empty when there is no such thing
    keep    of the blocks that could go, the least goes first
    """

    lines: tuple[Text, ...]
    keep: int
    short: tuple[Text, ...] = ()


def grid(rows: Iterable[Cells], width: int, right: frozenset[int] = frozenset()) -> tuple[Text, ...]:
    """Cells as lines no wider than `width`: all columns as wide as they need, the last has what is left.

    right   columns aligned at their right end, as numbers are; never the last
    """
    table = [list(row) for row in rows]
    if not table:
        return ()
    n = max(map(len, table))
    sizes = [max((row[i].cell_len for row in table if len(row) > i), default=0) for i in range(n)]
    lines = []
    for row in table:
        line = Text(no_wrap=True, overflow="ellipsis")
        for i, cell in enumerate(row):
            room = sizes[i] if i < n - 1 else max(0, width - line.cell_len)
            space = Text(" " * max(0, room - cell.cell_len))
            shown = cell.copy()
            if i == len(row) - 1:
                shown.truncate(max(0, width - line.cell_len), overflow="ellipsis")
            line.append_text(Text.assemble(space, shown) if i in right else Text.assemble(shown, space))
            if i < n - 1:
                line.append(" " * GAP)
        line.rstrip()
        line.truncate(width, overflow="ellipsis")
        lines.append(line)
    return tuple(lines)


def fit(blocks: Sequence[Block], height: int | None) -> list[Text]:
    """The blocks below each other, an empty line between; no taller than `height`.

    What matters least goes first; the others lose their last lines, take their short form, and go last of all.
    """
    shown = {i: block.lines for i, block in enumerate(blocks) if block.lines}
    order = sorted(shown, key=lambda i: blocks[i].keep)
    for concerns, step in _STEPS if height is not None else ():
        for i in order:
            over = _tall(shown) - (height or 0)
            if over > 0 and i in shown and concerns(blocks[i]):
                shown[i] = step(blocks[i], over)
                if not shown[i]:
                    del shown[i]
    lines: list[Text] = []
    for part in shown.values():
        lines += [Text(), *part] if lines else part
    return lines


def _tall(shown: dict[int, tuple[Text, ...]]) -> int:
    return sum(map(len, shown.values())) + max(0, len(shown) - 1)


def _cut(block: Block, over: int) -> tuple[Text, ...]:
    """So many lines less, but never less than the title and one row; how many are missing is said in the title."""
    kept = max(2, len(block.lines) - over)
    if kept >= len(block.lines):
        return block.lines
    more = (f"  … {len(block.lines) - kept} more", "bright_black")
    return (Text.assemble(block.lines[0], more), *block.lines[1:kept])


def _shortened(block: Block, _over: int) -> tuple[Text, ...]:
    return block.short


def _gone(_block: Block, _over: int) -> tuple[Text, ...]:
    return ()


# Whom it concerns, and what is done to it; each only as long as the page is too tall.
_STEPS: Final[tuple[tuple[Callable[[Block], bool], Callable[[Block, int], tuple[Text, ...]]], ...]] = (
    (lambda block: block.keep < GOES_FIRST, _cut),
    (lambda block: block.keep < GOES_FIRST, _gone),
    (lambda block: block.keep < STAYS and not block.short, _cut),
    (lambda block: bool(block.short), _shortened),
    (lambda block: block.keep < STAYS, _gone),
    (lambda _: True, _cut),
)


def beside(left: Sequence[Text], right: Sequence[Text], width: int, gap: int) -> list[Text]:
    """Two columns; the left one is `width` wide."""
    lines = []
    for i in range(max(len(left), len(right))):
        line = left[i].copy() if i < len(left) else Text()
        if i < len(right) and right[i]:
            line = Text.assemble(line, " " * (width - line.cell_len + gap), right[i])
        lines.append(line)
    return lines
