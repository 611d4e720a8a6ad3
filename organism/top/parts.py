"""The parts of the page, each from what `organism status` knows, as blocks of lines."""

from dataclasses import dataclass
from typing import Any, Final

from rich.text import Text

from organism.called import called
from organism.top.blocks import GAP, Block, grid
from organism.top.words import (
    UNKNOWN,
    amount,
    bar,
    marked,
    number,
    percent,
    price,
    sign,
    span,
    spark,
    style_of,
    text,
    tone_of_severity,
    tone_of_state,
)

_BAR, _BAR_NARROW, _ROOMY = 20, 14, 100  # columns of a bar, and of a page with room for the longer one
_WELL, _ILL = 70.0, 50.0  # of 100
_SHORT_INDENT: Final = 10  # columns before what a short form says
_GRAVE = 25.0  # of health, lost by one part
_NEAR = 0.8  # of a limit
_LATE_S = 1.0  # a message that waits longer, or a beat that is older, is worth a look
_URGENCY: Final = {"act": 0, "watch": 1, "unknown": 2, "good": 3}
_QUIET: Final = "bright_black"
_DISPENSABLE: Final = (
    2,
    4,
    5,
    1,
)  # columns of positions that go where there is no room: average, share, away, quantity
# Steps of the drawdown ladder: setting, and what happens there.
_LADDER: Final = (
    ("halve_at_drawdown", "sizes are halved"),
    ("no_entries_at_drawdown", "nothing new is opened"),
    ("halt_at_drawdown", "trading halts"),
)


@dataclass(frozen=True, slots=True)
class Sight:
    """One look at the organism: what `status` found, and equity over the time shown, oldest first; now, wall time."""

    found: dict[str, Any]
    curve: tuple[float, ...] = ()
    now_ns: int = 0


@dataclass(frozen=True, slots=True)
class Paper:
    """What is drawn on: how wide, and whether it shows more than ASCII."""

    width: int
    ascii_only: bool = False

    @property
    def bar_width(self) -> int:
        """Columns of a bar."""
        return _BAR if self.width >= _ROOMY else _BAR_NARROW

    def sign(self, tone: str) -> Text:
        """The sign of a meaning."""
        return sign(tone, ascii_only=self.ascii_only)

    def marked(self, tone: str, name: object) -> Text:
        """A row's name behind that sign."""
        return marked(tone, name, ascii_only=self.ascii_only)

    def bar(self, share: float | None, tone: str) -> Text:
        """A share of one."""
        return bar(share, self.bar_width, ascii_only=self.ascii_only, style=style_of(tone))


def vitals(sight: Sight, paper: Paper) -> Block:
    """Health with what it lost and where, equity, drawdown, and whether the books agree."""
    found = sight.found
    health, equity, start = (number(found[name]) for name in ("health", "equity", "starting_cash"))
    depth, far, limit = _ladder(found)
    figures = (amount(health, 0), amount(equity), percent(depth))
    room = paper.width - len("drawdown") - max(map(len, figures)) - paper.bar_width - 3 * GAP
    gained = (
        "" if equity is None or not start else f"{percent(equity / start - 1.0, sign=True)} since the start"
    )
    money = _joined([gained, f"cash {amount(found['cash'])}", f"fees {amount(found['fees'])}"], room)
    curve = spark(sight.curve, paper.bar_width, ascii_only=paper.ascii_only, style="cyan")
    rows = [
        (_label("health"), figures[0], paper.bar(_of(health, 100.0), _tone_of_health(health)), _lost(found)),
        (_label("equity"), figures[1], curve, text(money)),
        (_label("drawdown"), figures[2], paper.bar(*_share(depth, limit)), text(far)),
    ]
    lines = grid([(a, Text(b), c, d) for a, b, c, d in rows], paper.width, frozenset({1}))
    told = (_parts(found, paper), Text.assemble(_label("books     "), _books(found, paper)))
    parts, books = _narrowed(told, paper)
    return Block((lines[0], parts, *lines[1:], books) if parts else (*lines, books), keep=9)


def positions(sight: Sight, paper: Paper) -> Block:
    """What is held, with its stop and how far that is."""
    rows = [_position(row) for row in _rows(sight.found, "positions")]
    if not rows:
        return Block((_title("positions"), Text("  nothing is held", _QUIET)), keep=7)
    table = [_heads("positions", "quantity", "average", "now", "gain", "share", "stop", "away"), *rows]
    for column in _DISPENSABLE:
        if (
            sum(max(row[i].cell_len for row in table) + GAP for i in range(len(table[0]))) - GAP
            <= paper.width
        ):
            break
        table = [tuple(cell for i, cell in enumerate(row) if i != column) for row in table]
    return Block(grid(table, paper.width, frozenset(range(1, len(table[0]) - 1))), keep=7)


def brakes(sight: Sight, paper: Paper) -> Block:
    """How far each limit is."""
    found = sight.found
    limits = {name: number(value) for name, value in found["limits"].items()}
    if not limits:
        return Block((), keep=5)
    day, equity = number(found["day_start"]), number(found["equity"])
    lost = max(0.0, 1.0 - equity / day) if day and equity is not None else None
    held = [number(row.get("exposure")) for row in _rows(found, "positions")]
    largest = max((abs(share) for share in held if share is not None), default=0.0)
    net = number(found["net_exposure"])
    measured = (
        ("day's loss", lost, limits.get("max_daily_loss"), True),
        ("gross exposure", number(found["gross_exposure"]), limits.get("max_gross_exposure"), True),
        ("net exposure", None if net is None else abs(net), limits.get("max_net_exposure"), True),
        ("largest position", largest, limits.get("max_asset_exposure"), True),
        ("positions", float(len(held)), limits.get("max_positions"), False),
        ("losses in a row", number(found["consecutive_losses"]), limits.get("max_consecutive_losses"), False),
    )
    rows = []
    for name, now, limit, is_share in measured:
        said = percent if is_share else _count
        rows.append(
            (Text(f"  {name}"), Text(said(now)), paper.bar(*_share(now, limit)), Text("of"), Text(said(limit)), Text())
        )  # fmt: skip
    refused = ", ".join(
        f"{_count(row.get('n'))} × {row.get('reason')}" for row in _rows(found, "denials")[:3]
    )
    head = _title("brakes")
    lines = grid(rows, paper.width, frozenset({1, 4}))
    more = (Text.assemble("  refused  ", text(refused), style="yellow"),) if refused else ()
    used = [(now / limit, name) for name, now, limit, _ in measured if now is not None and limit]
    nearest = sorted(used, reverse=True)[:3]
    room = paper.width - _SHORT_INDENT - len("used: ")
    short = _joined([f"{name} {percent(share, 0)}" for share, name in nearest], room)
    return Block(
        (head, *lines, *_narrowed(more, paper)),
        5,
        _narrowed((Text.assemble(_title("brakes"), f"    used: {short}"),), paper),
    )


def organs(sight: Sight, paper: Paper) -> Block:
    """Each organ: state, life, restarts, what waits in its mailbox and for how long, and its last beat."""
    found = sorted(
        _rows(sight.found, "organs"), key=lambda row: (_URGENCY[_tone_of_organ(row)], str(row.get("name")))
    )
    if not found:
        return Block((_title("organs"), Text("  none has been seen yet", _QUIET)), keep=6)
    rows = []
    for row in found:
        tone = _tone_of_organ(row)
        said = row.get("last_error") or ""
        rows.append((
            paper.marked(tone, row.get("name")),
            text(row.get("state"), style_of(tone) if tone != "good" else "", longest=12),
            Text(_count(row.get("incarnation"))), Text(_count(row.get("restarts"))), Text(_count(row.get("mailbox_depth"))),
            Text(span(row.get("oldest_s")) if row.get("mailbox_depth") else "–"), Text(span(row.get("beat_age_s"))),
            text(said, _QUIET),
        ))  # fmt: skip
    head = _heads("organs", "state", "life", "restarts", "mailbox", "oldest", "beat", "")
    short = _wrapped(
        [Text.assemble(paper.sign(_tone_of_organ(row)), text(row.get("name"), longest=24)) for row in found],
        Text.assemble(_title("organs"), "    "),
        paper,
    )
    return Block(grid([head, *rows], paper.width, frozenset(range(2, 7))), 6, short)


def feeds(sight: Sight, paper: Paper) -> Block:
    """What it sees the market by, and the context that is polled."""
    rows = []
    for row in _rows(sight.found, "feeds"):
        tone = tone_of_state(row.get("state"))
        counted = (
            f"{_count(row['bars'])} bars, {_count(row.get('refused'))} refused, {_count(row.get('doubtful'))} doubtful"
            if "bars" in row
            else ""
        )
        said = "; ".join(part for part in (counted, str(row.get("detail") or "")) if part)
        rows.append((
            paper.marked(tone, called(str(row.get("name")))),
            text(row.get("state"), style_of(tone) if tone != "good" else "", longest=12),
            Text(span(row.get("silent_s"))), text(said),
        ))  # fmt: skip
    if not rows:
        return Block((), keep=4)
    head = _heads("feeds", "state", "silent", "heard")
    return Block(grid([head, *rows], paper.width, frozenset({2})), keep=4)


def alerts(sight: Sight, paper: Paper) -> Block:
    """What a person was told lately."""
    rows = []
    for row in _rows(sight.found, "alerts"):
        at = number(row.get("wall_ns"))
        ago = "–" if at is None else span(max(0.0, (sight.now_ns - at) / 1e9))
        name = paper.marked(tone_of_severity(row.get("severity")), row.get("severity"))
        rows.append((name, Text(f"{ago} ago", _QUIET), text(row.get("title"))))
    if not rows:
        return Block((_title("alerts"), Text("  nobody was told anything yet", _QUIET)), keep=3)
    return Block((_title("alerts"), *grid(rows, paper.width, frozenset({1}))), keep=3)


def strategies(sight: Sight, paper: Paper) -> Block:
    """Who decides."""
    rows = [
        (Text.assemble("  ", text(row.get("genome_id"), longest=44)), text(row.get("state"), longest=12), Text(percent(row.get("weight"), 0)),
         text(row.get("family"), _QUIET))
        for row in _rows(sight.found, "strategies")
    ]  # fmt: skip
    if not rows:
        return Block((), keep=1)
    return Block(
        grid([_heads("strategies", "state", "weight", ""), *rows], paper.width, frozenset({2})), keep=1
    )


def breeding(sight: Sight, paper: Paper) -> Block:
    """What is bred beside it."""
    said = str(sight.found["evolution"].get("sentence") or "")
    if not said:
        return Block((), keep=0)
    return Block(_narrowed((Text.assemble(_title("evolution"), " ", text(said)),), paper), keep=0)


def _position(row: dict[str, Any]) -> tuple[Text, ...]:
    now, stop, gain = number(row.get("mark")), number(row.get("stop_price")), number(row.get("unrealised"))
    away = f"{percent(stop / now - 1.0, 1, sign=True)}" if stop and now else ""
    tone = "" if not gain else "green" if gain > 0 else "red"
    quantity = number(row.get("quantity"))
    held = UNKNOWN if quantity is None else f"{quantity:,.8f}".rstrip("0").rstrip(".").replace("-", "−")
    return (
        Text.assemble("  ", text(row.get("symbol"), longest=18)), Text(held), Text(price(row.get("average_price"))), Text(price(now)),
        Text(amount(gain, sign=True), tone), Text(percent(row.get("exposure"), 1)),
        Text(price(stop)) if stop else Text("none", "bold red"), Text(away, _QUIET),
    )  # fmt: skip


def _books(found: dict[str, Any], paper: Paper) -> Text:
    """Whether the venue agrees with us, and we with what we promise."""
    unexplained, unproven = number(found["unexplained_quantity"]), len(found["unknown_orders"] or ())
    if unexplained is None:
        held = (paper.sign("unknown"), text("never compared with the venue's"))
    elif unexplained:
        held = (paper.sign("act"), text(f"{amount(unexplained, 8)} held that nobody can explain", "bold red"))
    else:
        held = (paper.sign("good"), text("the venue holds what we say"))
    orders = (f", {unproven} orders unproven" if unproven else "", "yellow")
    judged = found["invariants"]
    if not judged:
        said = (paper.sign("unknown"), text("no invariant judged yet"))
    elif judged.get("trouble"):
        said = (paper.sign("unknown"), text(judged["trouble"]))
    elif judged.get("broken"):
        said = (paper.sign("act"), text(f"BROKEN: {', '.join(judged['broken'])}", "bold red"))
    else:
        said = (paper.sign("good"), text("every invariant holds"))
    return Text.assemble(*held, orders, "   ", *said)


def _costs(found: dict[str, Any]) -> list[tuple[str, float, str]]:
    """Parts of health: name, what each lost, why."""
    costs = []
    for part in found["health_parts"]:
        weight, points = number(part.get("weight")), number(part.get("points"))
        lost = 0.0 if weight is None or points is None else max(0.0, weight - points)
        costs.append((str(part.get("name")), lost, str(part.get("detail") or "")))
    return costs


def _lost(found: dict[str, Any]) -> Text:
    """Why health is not 100, the dearest first."""
    if number(found["health"]) is None:
        return Text("not measured yet", _QUIET)
    why = [
        f"{name}: {why or UNKNOWN}" for name, lost, why in sorted(_costs(found), key=lambda c: -c[1]) if lost
    ]
    return text("; ".join(why)) if why else Text("every part is well", _QUIET)


def _parts(found: dict[str, Any], paper: Paper) -> Text:
    """Each part of health, and what it lost."""
    line = Text(" " * 10 if found["health_parts"] else "")
    for name, lost, _ in _costs(found):
        tone = "good" if not lost else "watch" if lost < _GRAVE else "act"
        cost = (f" −{lost:.0f}" if lost else "", style_of(tone))
        line = Text.assemble(line, paper.sign(tone), text(name, longest=16), cost, "  ")
    return line


def _ladder(found: dict[str, Any]) -> tuple[float | None, str, float | None]:
    """Drawdown, what comes next and how far it is, and where that is."""
    depth = number(found["drawdown"])
    steps = [(number(found["limits"].get(name)), what) for name, what in _LADDER]
    ahead = sorted(
        (limit, what) for limit, what in steps if limit is not None and depth is not None and limit > depth
    )
    if depth is None or not ahead:
        return depth, "no step of the ladder is ahead" if depth is not None else UNKNOWN, depth
    limit, what = ahead[0]
    return depth, f"{what} at {percent(limit, 0)}, {percent(limit - depth)} away", limit


def _of(part: float | None, whole: float) -> float | None:
    return None if part is None else part / whole


def _joined(parts: list[str], room: int) -> str:
    """As many of them as there is room for: half a figure would be a wrong one."""
    said = ""
    for part in filter(None, parts):
        longer = f"{said}, {part}" if said else part
        if said and len(longer) > room:
            break
        said = longer
    return said


def _share(now: float | None, limit: float | None) -> tuple[float | None, str]:
    """Of a limit, and what that means."""
    if now is None or limit is None:
        return None, "unknown"
    share = 1.0 if limit <= 0.0 else now / limit
    return share, "good" if share < _NEAR else "watch" if share < 1.0 else "act"


def _tone_of_health(health: float | None) -> str:
    if health is None:
        return "unknown"
    return "good" if health >= _WELL else "watch" if health >= _ILL else "act"


def _tone_of_organ(row: dict[str, Any]) -> str:
    tone = tone_of_state(row.get("state"))
    waits, beat = number(row.get("oldest_s")) or 0.0, number(row.get("beat_age_s"))
    if tone == "good" and beat is not None and beat > _LATE_S:
        return "watch"
    return "watch" if tone == "good" and row.get("mailbox_depth") and waits > _LATE_S else tone


def _rows(found: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [row for row in found.get(name) or () if isinstance(row, dict)]


def _count(value: object) -> str:
    found = number(value)
    return "–" if found is None else f"{found:,.0f}"


def _label(name: str) -> Text:
    return Text(name, "bold")


def _title(name: str) -> Text:
    return Text(name, "bold cyan", no_wrap=True)


def _heads(title: str, *others: str) -> tuple[Text, ...]:
    return (_title(title), *(Text(name, _QUIET) for name in others))


def _narrowed(lines: tuple[Text, ...], paper: Paper) -> tuple[Text, ...]:
    for line in lines:
        line.truncate(paper.width, overflow="ellipsis")
    return lines


def _wrapped(items: list[Text], first: Text, paper: Paper) -> tuple[Text, ...]:
    """Items beside each other, under a title that stands before them."""
    indent, line, lines = first.cell_len, first.copy(), []
    for item in items:
        if line.cell_len > indent and line.cell_len + item.cell_len > paper.width:
            lines.append(line)
            line = Text(" " * indent)
        line = Text.assemble(line, item, "  ")
    return _narrowed((*lines, line), paper)
