"""The one sentence: how the organism is, why, and whether it needs a person, in plain language.

`lead` is the word one reads from across the room; `text` explains it; `need` says what to do. A halted
organism says why and how to resume before anything else. What is to be typed stands in `backquotes`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dashboard import figures
from dashboard.condition import Condition, Judged
from dashboard.glimpse import Glimpse, Row
from organism.reasons import cause

NOTHING = "Nothing needs you."
RESUME = '`./run resume --note "why"`'
# Ladder of drawdown: setting, and what happens there.
BRAKES = (
    ("halve_at_drawdown", "sizes are halved"),
    ("no_entries_at_drawdown", "no new positions"),
    ("halt_at_drawdown", "trading halts"),
)
_AT_PEAK = 0.0005  # drawdowns below this are called none
_WELL = 70.0  # health below this is worth a word
_MANY = 4  # more holdings than this are counted rather than named


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """The sentence in three parts, and its meaning: good, watch, act or unknown."""

    lead: str
    text: str
    need: str
    tone: str

    @property
    def whole(self) -> str:
        """As one line."""
        return " ".join(part for part in (self.lead, self.text, self.need) if part)


def say(glimpse: Glimpse, judged: Judged, *, guarded: bool) -> Sentence:
    """Build the sentence from what is known. The most urgent truth wins."""
    match judged.condition:
        case Condition.NEVER:
            return Sentence(
                lead="Not started yet.",
                text="No body has ever lived in this state folder.",
                need="Type `./run start`, and its vitals appear here within seconds.",
                tone="unknown",
            )
        case Condition.UNREADABLE:
            return Sentence(
                lead="Vitals cannot be read.",
                text=f"state/view.db answered: {glimpse.trouble}. Nothing is lost: it is rebuilt from the journal.",
                need="Type `./run stop`, delete state/view.db, then `./run start`.",
                tone="act",
            )
        case Condition.STARTING:
            return _starting(glimpse)
        case Condition.DOWN:
            return _down(glimpse, judged, guarded=guarded)
        case Condition.STALE:
            return _silent(glimpse, judged)
        case Condition.LIVING:
            return _living(glimpse)


def holdings(glimpse: Glimpse) -> str:
    """What is held: "Long BTC and SOL, 43 % exposed", or "Holding nothing"."""
    longs: list[str] = []
    shorts: list[str] = []
    for position in glimpse.rows("positions"):
        size = figures.number(position.get("quantity"))
        if size:
            (longs if size > 0 else shorts).append(figures.base(str(position["symbol"])))
    if not longs and not shorts:
        return "Holding nothing"
    sides = [_side("long", longs), _side("short", shorts)]
    text = ", ".join(side for side in sides if side)
    gross = figures.number(glimpse.part("portfolio").get("gross_exposure"))
    exposed = "" if gross is None else f", {figures.percent(gross, 0)} exposed"
    return f"{text[0].upper()}{text[1:]}{exposed}"


def next_brake(glimpse: Glimpse) -> tuple[str, float] | None:
    """The next step of the drawdown ladder and how far it is, as a fraction of equity's peak."""
    drawdown = figures.number(glimpse.part("portfolio").get("drawdown"))
    if drawdown is None:
        return None
    limits = glimpse.part("limits")
    ahead = [
        (limit - drawdown, what)
        for name, what in BRAKES
        if (limit := figures.number(limits.get(name))) is not None and limit > drawdown
    ]
    if not ahead:
        return None
    distance, what = min(ahead)
    return what, distance


def _side(word: str, names: list[str]) -> str:
    if not names:
        return ""
    return f"{word} {len(names)} instruments" if len(names) > _MANY else f"{word} {figures.listed(names)}"


def _depth(glimpse: Glimpse) -> str:
    drawdown = figures.number(glimpse.part("portfolio").get("drawdown"))
    if drawdown is None:
        return ""
    return "at its peak" if drawdown < _AT_PEAK else f"{figures.percent(drawdown)} below peak"


def _money(glimpse: Glimpse) -> str:
    """Holdings, depth and the next brake, as one clause with a full stop."""
    parts = [part for part in (holdings(glimpse), _depth(glimpse)) if part]
    text = ", ".join(parts)
    if brake := next_brake(glimpse):
        text += f"; the next brake is {figures.percent(brake[1])} away"
    return f"{text}."


def _reason(standing: Row) -> str:
    return cause(str(standing.get("reason") or "no reason was recorded"))[:240]


def _starting(glimpse: Glimpse) -> Sentence:
    halted = glimpse.part("standing").get("state") == "halted"
    if halted:
        return Sentence(
            lead="Waking up, halted:",
            text=f"{_reason(glimpse.part('standing'))}; once you know the cause, resume with {RESUME}.",
            need="It reads back its memory first.",
            tone="act",
        )
    return Sentence(
        lead="Waking up.",
        text="Reading back its memory and warming up; nothing is traded yet.",
        need=NOTHING,
        tone="unknown",
    )


def _down(glimpse: Glimpse, judged: Judged, *, guarded: bool) -> Sentence:
    standing = glimpse.part("standing")
    held = holdings(glimpse)
    known = f"last heard {figures.age(judged.age_s)}, {held[0].lower()}{held[1:]}"
    if standing.get("state") == "halted":
        known += f"; it was halted: {_reason(standing)}"
    stops = [order for order in glimpse.rows("orders") if order.get("purpose") == "protect"]
    if stops:
        known += "; its protective stops rest at the venue"
    need = (
        "Its guardian is bringing it back; if this stays for a minute, type `./run doctor`."
        if guarded
        else "Type `./run start`: it continues where it stopped."
    )
    return Sentence(lead="The body is down:", text=f"{known}.", need=need, tone="act")


def _silent(glimpse: Glimpse, judged: Judged) -> Sentence:
    return Sentence(
        lead=f"No word for {figures.span(judged.age_s)}.",
        text=f"When last heard: {holdings(glimpse)}, {_depth(glimpse) or 'drawdown unknown'}.",
        need="If this stays, its guardian restarts the body by itself.",
        tone="watch",
    )


def _living(glimpse: Glimpse) -> Sentence:
    for rule in _RULES:
        found = rule(glimpse)
        if found is not None:
            return found
    return Sentence(lead="Awake.", text=_money(glimpse), need=NOTHING, tone="good")


def _halted(glimpse: Glimpse) -> Sentence | None:
    standing = glimpse.part("standing")
    if standing.get("state") != "halted":
        return None
    return Sentence(
        lead="Halted:",
        text=f"{_reason(standing)}; once you know the cause, resume with {RESUME} or the button below.",
        need=f"{holdings(glimpse)}; until then orders may only shrink positions.",
        tone="act",
    )


def _unexplained(glimpse: Glimpse) -> Sentence | None:
    unexplained = glimpse.part("reconciled").get("unexplained")
    if not isinstance(unexplained, list) or not unexplained:
        return None
    found = [f"{figures.quantity(row[1])} {figures.base(str(row[0]))}" for row in unexplained if len(row) > 1]
    return Sentence(
        lead="Awake, but the books disagree:",
        text=f"the venue holds {figures.listed(found)} that no order of ours explains, so nothing new is opened.",
        need="Type `./run verify`, and look at the venue's own account.",
        tone="act",
    )


def _safe(glimpse: Glimpse) -> Sentence | None:
    if not glimpse.part("body").get("safe"):
        return None
    return Sentence(
        lead="Safe mode:",
        text=f"the body crashed too often, so it only protects what it holds. {_money(glimpse)}",
        need="Read state/log, then type `./run stop` and `./run start`.",
        tone="act",
    )


def _broken_organ(glimpse: Glimpse) -> Sentence | None:
    broken = [str(row["name"]) for row in glimpse.rows("organs") if row.get("state") in {"fenced", "stopped"}]
    if not broken:
        return None
    verb = "is" if len(broken) == 1 else "are"
    return Sentence(
        lead="Awake, but injured:",
        text=f"{figures.listed(broken)} {verb} not running. {_money(glimpse)}",
        need="The supervisor is replacing what it can; if this stays, type `./run doctor`.",
        tone="act",
    )


def _hibernating(glimpse: Glimpse) -> Sentence | None:
    standing, now_ns = glimpse.part("standing"), _market_ns(glimpse)
    left_s = _left_s(standing.get("hibernating_until_ns"), now_ns)
    if left_s is None:
        return None
    return Sentence(
        lead="Hibernating:",
        text=f"{_reason(standing)}. It sleeps for another {figures.span(left_s)} of market time. {_money(glimpse)}",
        need="Nothing needs you: it wakes by itself.",
        tone="watch",
    )


def _reducing(glimpse: Glimpse) -> Sentence | None:
    standing = glimpse.part("standing")
    if standing.get("state") != "reducing":
        return None
    return Sentence(
        lead="Reducing:",
        text=f"{_reason(standing)}; only orders that shrink positions leave. {_money(glimpse)}",
        need=f"To trade normally again, type {RESUME} or press Resume.",
        tone="watch",
    )


def _stalled_feed(glimpse: Glimpse) -> Sentence | None:
    stalled = [
        row for row in glimpse.rows("feeds") if row.get("state") in {"stalled", "failed", "restarting"}
    ]
    if not stalled:
        return None
    worst = max(stalled, key=lambda row: figures.number(row.get("silent_s")) or 0.0)
    return Sentence(
        lead="Awake, but blind:",
        text=f"feed {worst['name']} has been silent for {figures.span(worst.get('silent_s'))}, "
        f"so nothing new is opened. {_money(glimpse)}",
        need="It reconnects by itself; look at the feed if this lasts.",
        tone="watch",
    )


def _resting(glimpse: Glimpse) -> Sentence | None:
    left_s = _left_s(glimpse.part("standing").get("no_entries_until_ns"), _market_ns(glimpse))
    if left_s is None:
        return None
    return Sentence(
        lead="Awake, resting:",
        text=f"no new positions for another {figures.span(left_s)} of market time "
        f"({_reason(glimpse.part('standing'))}). {_money(glimpse)}",
        need="Nothing needs you: it starts again by itself.",
        tone="watch",
    )


def _unwell(glimpse: Glimpse) -> Sentence | None:
    health = figures.number(glimpse.part("health").get("health"))
    if health is None or not health < _WELL:
        return None
    parts: list[Any] = glimpse.part("health").get("parts") or []
    lost = [(part["weight"] - part["points"], part) for part in parts if isinstance(part, dict)]
    worst = max(lost, key=lambda pair: float(pair[0]))[1] if lost else {}
    why = f", mostly its {worst['name']}" if worst else ""
    detail = f" ({worst['detail']})" if worst.get("detail") else ""
    return Sentence(
        lead="Awake, but unwell:",
        text=f"health is {health:.0f} of 100{why}{detail}. {_money(glimpse)}",
        need="It looks after itself; if health keeps falling, type `./run doctor`.",
        tone="watch",
    )


def _market_ns(glimpse: Glimpse) -> int | None:
    for found in (glimpse.part("body").get("market_ns"), glimpse.part("portfolio").get("at_ns")):
        if isinstance(found, int):
            return found
    return None


def _left_s(until_ns: object, now_ns: int | None) -> float | None:
    """Seconds of market time until then; None when it is over or was never set."""
    if not isinstance(until_ns, int) or now_ns is None or until_ns <= now_ns:
        return None
    return (until_ns - now_ns) / 1e9


# Most urgent first.
_RULES: tuple[Callable[[Glimpse], Sentence | None], ...] = (
    _halted, _unexplained, _safe, _broken_organ, _hibernating, _reducing, _stalled_feed, _resting, _unwell,
)  # fmt: skip
