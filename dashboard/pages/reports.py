"""Reports: any stored backtest, search, walk-forward or evolution, one alone or two side by side; every strategy in one table."""

from collections.abc import Callable
from typing import Any

from dashboard import figures
from dashboard.glimpse import Row
from dashboard.pages import measures, reported, shapes
from dashboard.pages.asked import Asked
from dashboard.pages.opened import KINDS, LETTERS, Opened, Subject, day, lived, living, opened
from dashboard.pages.parts import block, page, row
from dashboard.pages.shapes import Cell, Piece
from dashboard.pages.shared import counted, strategy
from dashboard.sentence import Sentence
from dashboard.shelf import Listed, Listing
from dashboard.sight import Sight
from organism.reports import Broken

_KEEP_S = 3.0
_SHOWN = 12
_MOST_STRATEGIES = 300
_MAKE = "Make one: `./run backtest ema_crossover`, or `./run evolve`."
_METHOD = (
    "Paired stationary bootstrap (Politis and Romano, 1994): 2,000 resamples of whole blocks of the common days, the same for both; "
    "the same two give the same interval. It does not know how many trials stand behind each."
)
_BESIDE = "beside what is open, as B"
_CHOSEN = "Those from evolution and searches were chosen on the bars that judge them; drawdowns from evolution are at 10 % volatility."
_COLUMNS = ("sharpe", "total_return", "max_drawdown", "consistency", "turnover", "n_trades", "pnl", "weight")


def skeleton() -> Any:
    """The page without its contents."""
    return page("reports", [
        _some("Opened", "reports-chosen", "chips", "full bare"),
        row(_some("Equity", "reports-curve", "figure", "wide"), _some("In short", "reports-key", "facts", "narrow"),
            _some("Difference, A − B", "reports-apart", "facts", "narrow", says=_METHOD)),
        _some("Beware", "reports-warnings", "strip"),
        row(_some("Sharpe over generations", "reports-course", "figure", "half"),
            _some("The front: gain against depth", "reports-front", "figure", "half")),
        _some("The best genomes", "reports-genomes", "table"),
        _some("What it does", "reports-does", "table"),
        row(_some("Figures", "reports-figures", "table", "half"), _some("What was asked", "reports-asked", "table", "half")),
        block("Stored reports", "reports-list", "table", "Nothing is stored yet: ./run backtest ema_crossover, ./run optimize, ./run walk-forward and "
              "./run evolve each leave a report here.", aside="newest first"),
        block("Strategies", "reports-strategies", "table", "The strategies of all reports and those that live in the body appear here, to be compared.",
              aside="any column sorts"),
        _some("Files that cannot be shown", "reports-broken", "strip"),
    ])  # fmt: skip


def _some(title: str, name: str, kind: str, width: str = "full", *, says: str = "") -> Any:
    """A block that is there only when it has something to show."""
    return block(title, name, kind, "", f"{width} optional", says=says)


def speaks(sight: Sight, asked: Asked) -> Sentence:
    """What is open; or what there is to open."""
    found = _open(asked, sight)
    if found.troubles:
        said = " ".join(found.troubles)
        return Sentence(lead="That cannot be opened.", text=said[:500], need="", tone="watch")
    if len(found.subjects) > 1:
        return _two(found)
    if found.subjects:
        return _one(found.subjects[0], sight)
    return _none(_listing(sight))


def _none(listing: Listing) -> Sentence:
    n = len(listing.known) + listing.older
    bad = f"{counted(len(listing.broken), 'file')} cannot be shown: see below." if listing.broken else ""
    reading = f"{listing.waiting:,} more are being read." if listing.waiting else ""
    if not n and not listing.waiting:
        said = "Backtests, searches, walk-forwards and evolution each leave one here."
        return Sentence(
            lead="No reports yet.",
            text=f"{said} {bad}".strip(),
            need=_MAKE,
            tone="watch" if bad else "unknown",
        )
    newest = f"The newest: {KINDS[listing.known[0].kind]}, {listing.known[0].title}." if listing.known else ""
    return Sentence(
        lead=f"{counted(n, 'report')} to look at." if n else "Reading.",
        text=" ".join(part for part in (newest, reading, bad) if part),
        need="Open one, then choose another to compare.",
        tone="watch" if bad else "good",
    )


def _one(one: Subject, sight: Sight) -> Sentence:
    said = [f"{KINDS[one.kind][:1].upper()}{KINDS[one.kind][1:]}{_when(one)}."]
    if (gain := one.figures.get("total_return")) is not None:
        said.append(
            f"{'Gained' if gain >= 0 else 'Lost'} {figures.percent(abs(gain))}, Sharpe {figures.plain(one.figures.get('sharpe'))} a year{_sure(one, sight)}."
        )
    elif (sharpe := one.figures.get("sharpe")) is not None:
        said.append(
            f"The best has a Sharpe ratio of {figures.plain(sharpe)} a year on the bars it was bred on."
        )
    if (looks := measures.looks(one.figures)) is not None and looks > 1:
        said.append(
            f"{figures.plain(looks, 0)} looks at these bars so far: the best of so many looks good by luck alone."
        )
    return Sentence(
        lead=f"{one.title[:160]}.",
        text=" ".join(said),
        need="Choose another below to compare.",
        tone="unknown",
    )


def _when(one: Subject) -> str:
    if one.daily is None:
        return f", {one.why}" if one.kind == "body" else ""
    days = one.daily.days
    return f" over {len(days):,} days, {day(days[0])} to {day(days[-1])}"


def _sure(one: Subject, sight: Sight) -> str:
    own = _own(one, sight)
    return "" if own is None else f" (95 %: {reported.within(own.sharpe)})"


def _own(one: Subject, sight: Sight) -> Any:
    """The interval of what is open alone; of evolution none, whose Sharpe ratio is told by other bars than these days."""
    return None if one.daily is None or one.kind == "evolve" else sight.shelf.alone(one.daily).found


def _two(found: Opened) -> Sentence:
    first, second = found.subjects
    names = f"A is {first.title[:120]}, B is {second.title[:120]}."
    gap = found.apart
    if gap is None or gap.found is None:
        why = "" if gap is None else gap.why
        return Sentence(
            lead="How far apart is unknown.",
            text=f"{names} {why[:1].upper()}{why[1:]}.",
            need="",
            tone="unknown",
        )
    sharpe = gap.found.sharpe
    said = f"On {gap.n_days:,} common days A − B is {figures.plain(sharpe.value, signed=True)} a year (95 %: {reported.within(sharpe)})."
    if first.ref == second.ref:
        lead, said = "The same one twice.", "It does not differ from itself."
    elif sharpe.has_zero:
        lead = "They cannot be told apart by their Sharpe ratios."
    else:
        lead = f"{'A' if sharpe.value > 0 else 'B'} has the higher Sharpe ratio."
    need = (
        ""
        if first.ref == second.ref
        else "Luck alone explains as much."
        if sharpe.has_zero
        else _behind(found)
    )
    return Sentence(
        lead=lead, text=f"{names} {said}", need=need, tone="unknown" if sharpe.has_zero else "good"
    )


def _behind(found: Opened) -> str:
    """How many looks stand behind the two, where somebody looked more than once: no interval knows of them."""
    looks = [measures.looks(one.figures) for one in found.subjects]
    if not any(n is not None and n > 1 for n in looks):
        return ""
    told = [
        f"{figures.plain(n, 0)} behind {letter}"
        for letter, n in zip(LETTERS, looks, strict=True)
        if n is not None
    ]
    return f"Looks at these bars: {figures.listed(told)}; the interval does not know of them."


# ---------------------------------------------------------------- pieces


def pieces(asked: Asked, sight: Sight) -> dict[str, Callable[[], Any]]:
    """What the page shows, each made when it is asked for."""

    def kept(name: str, make: Callable[[Opened], Piece]) -> Callable[[], Piece]:
        return lambda: sight.kept.get((name, asked.pair), _KEEP_S, lambda: make(_open(asked, sight)))

    def alone(make: Callable[[Subject], Piece]) -> Callable[[Opened], Piece]:
        return lambda found: make(found.subjects[0]) if len(found.subjects) == 1 else {}

    return {
        "reports-chosen": kept("reports-chosen", reported.chosen),
        "reports-curve": kept("reports-curve", reported.curves),
        "reports-key": kept("reports-key", alone(lambda one: reported.key(one, _own(one, sight)))),
        "reports-apart": kept("reports-apart", reported.apart),
        "reports-warnings": kept("reports-warnings", reported.warnings),
        "reports-course": kept("reports-course", reported.course),
        "reports-front": kept("reports-front", reported.front),
        "reports-genomes": kept("reports-genomes", alone(reported.genomes)),
        "reports-does": kept("reports-does", reported.does),
        "reports-figures": kept("reports-figures", reported.table),
        "reports-asked": kept("reports-asked", reported.asked),
        "reports-list": kept("reports-list", lambda found: stored(_listing(sight), found)),
        "reports-strategies": kept("reports-strategies", lambda found: strategies(_listing(sight), living(sight), found)),
        "reports-broken": kept("reports-broken", lambda _: broken(_listing(sight))),
    }  # fmt: skip


def _open(asked: Asked, sight: Sight) -> Opened:
    return sight.kept.get(("reports-open", asked.pair), _KEEP_S, lambda: opened(asked.pair, sight))


def _listing(sight: Sight) -> Listing:
    return sight.kept.get("reports-listing", _KEEP_S, lambda: sight.shelf.listing(sight.state))


def stored(listing: Listing, found: Opened) -> Piece:
    """Every report that can be opened."""
    rows = [(one.id, _stored(one, found)) for one in listing.known]
    heads = [
        shapes.head("Report", says="open it alone"), shapes.head("Compare", says=_BESIDE), shapes.head("Made"), shapes.head("Days", num=True, low=True),
        shapes.head("Sharpe", num=True, says="a year"), shapes.head("Return", num=True, low=True), shapes.head("Drawdown", num=True, low=True),
        shapes.head("Looks", num=True, low=True, says="at the same bars, ever"),
    ]  # fmt: skip
    note = [f"{listing.older:,} older ones are kept and not listed."] if listing.older else []
    note += [f"{listing.waiting:,} more are being read."] if listing.waiting else []
    return shapes.table(heads, rows, " ".join(note), most=_SHOWN)


def _stored(one: Listed, found: Opened) -> list[Cell]:
    looks = measures.looks(one.figures)
    return [
        shapes.text(
            one.title or one.id, strong=True, wrap=True, title=one.id, sub=f"{KINDS[one.kind]} {one.id[-8:]}"
        )
        | {"pair": [one.id], "x": one.id, "s": one.title},
        _beside(one.id, found),
        shapes.moment(one.made_s * 10**9, ago=True),
        shapes.number(f"{one.n_days:,}", one.n_days, tone="muted"),
        measures.cell("sharpe", one.figures.get("sharpe")),
        measures.cell(
            "total_return", one.figures.get("total_return"), tone=_tone(one.figures.get("total_return"))
        ),
        measures.cell("max_drawdown", one.figures.get("max_drawdown")),
        shapes.number(figures.plain(looks, 0), looks, tone="muted"),
    ]


def _tone(value: float | None) -> str:
    return figures.tone(value).replace("level", "")


def _beside(ref: str, found: Opened) -> Cell:
    """Where a row stands, or the way to put it beside what is open."""
    pair = found.pair
    for letter, one in zip(LETTERS, pair, strict=False):
        if one == ref:
            return shapes.tag(letter if len(pair) > 1 else "open", "good") | {"x": ref}
    text = "compare" if pair else "open"
    return {"v": text, "pair": [*pair[:1], ref], "x": ref, "s": text}


def strategies(
    listing: Listing, lives: tuple[list[Row], dict[str, tuple[float, float]]], found: Opened
) -> Piece:
    """Every strategy of the reports and of the body, one row each."""
    rows: list[tuple[str, list[Cell]]] = []
    for each in lives[0]:
        name = str(each["genome_id"])
        who = shapes.text(strategy(each.get("family")), strong=True, title=name) | {"x": name}
        rows.append((f"body:{name}", _strategy(f"body:{name}", who, "body", lived(each, lives[1]), found)))
    for one in listing.known:
        looks = measures.looks(one.figures)
        for tried in one.tried:
            ref = one.id if tried.nth is None else f"{one.id}:{tried.id}"
            values = {"trials_total": looks, **tried.figures}
            who = shapes.text(
                tried.id, code=True, title=f"{tried.id} of {one.title}", sub=one.title, wrap=True
            )
            rows.append((ref, _strategy(ref, who, one.kind, values, found)))
    heads = [
        shapes.head("Strategy", says="open it alone"), shapes.head("Compare", says=_BESIDE), shapes.head("From", low=True),
        *(shapes.head(measures.measure(name).label, num=True, low=name != "sharpe", says=measures.measure(name).says) for name in _COLUMNS),
        shapes.head("Looks", num=True, low=True, says="at the same bars, ever: the more, the less a wonder"),
    ]  # fmt: skip
    more = len(rows) - _MOST_STRATEGIES
    note = [f"The newest {_MOST_STRATEGIES:,} of {len(rows):,}."] if more > 0 else []
    note += [_CHOSEN] if listing.known else []
    return shapes.table(heads, rows[:_MOST_STRATEGIES], " ".join(note), most=_SHOWN)


def _strategy(ref: str, who: Cell, kind: str, values: measures.Figures, found: Opened) -> list[Cell]:
    looks = measures.looks(values)
    return [
        who | {"pair": [ref], "s": who["v"]},
        _beside(ref, found),
        shapes.tag(KINDS[kind], "good" if kind == "body" else "quiet"),
        *(measures.cell(name, values.get(name), tone=_tone(values.get(name)) if measures.measure(name).style in {"gain", "signed"} else "")
          for name in _COLUMNS),
        shapes.number(figures.plain(looks, 0), looks, tone="muted"),
    ]  # fmt: skip


def broken(listing: Listing) -> Piece:
    """Files that are no report, or none that this program can read."""
    return shapes.strip(
        {"name": one.name, "state": "not shown", "tone": "watch", "detail": _why(one)}
        for one in listing.broken[:_SHOWN * 4]
    )  # fmt: skip


def _why(one: Broken) -> str:
    """A whole sentence that does not say the name again."""
    said = one.why.replace(one.name.removesuffix(".json"), "it", 1).rstrip(".")
    return f"{said[:1].upper()}{said[1:]}."
