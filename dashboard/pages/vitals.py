"""Vitals: am I well? The sentence, the body, health by its parts, equity, and what happened lately."""

from collections.abc import Callable
from typing import Any

from dash import html

from dashboard import figures, pulse, tables
from dashboard.pages import money, shapes
from dashboard.pages.asked import Asked
from dashboard.pages.journal import milliseconds
from dashboard.pages.parts import block, page, row, sentence
from dashboard.pages.shared import reborn, times
from dashboard.reading import Reading
from dashboard.sentence import Sentence, say
from dashboard.sight import Sight

COMMANDS = (
    ("reduce", "Reduce", "Only orders that shrink positions"),
    ("halt", "Halt", "Open nothing until a person resumes"),
    ("flatten", "Flatten", "Close every position now; open nothing new until resumed"),
    ("resume", "Resume", "Trade normally again"),
)
_AGES_KEEP_S = 5.0
KEYS = (("equity", "Equity"), ("today", "Today"), ("total", "Since the start"), ("exposure", "Exposed"))


def skeleton() -> Any:
    """The page without its contents."""
    return page("vitals", [
        row(block("Equity", "vitals-curve", "figure", "The curve begins with the first marked portfolio, seconds after the body wakes.",
                  "wide", aside="market time"),
            block("How far each brake is", "vitals-brakes", "meters", "Limits appear with the first portfolio.", "narrow")),
        row(block("Lately in the market", "lately-market", "events", "Fills and refusals appear here as they happen.", "half"),
            block("Lately in the body", "lately-body", "events", "No organ was restarted, no message was set aside.", "half")),
    ], first=_hero())  # fmt: skip


def _hero() -> Any:
    return html.Div(
        [
            html.Div([sentence("vitals"), _health(), _keys(), _controls()], className="hero-say"),
            html.Div(
                [
                    html.Div(id="body-figure", className="body-figure"),
                    html.P("Point at an organ, touch it, or reach it with Tab.", id="organ-note", className="organ-note",
                           **{"aria-live": "polite"}),
                ],
                className="hero-body",
            ),
        ],
        className="hero",
    )  # fmt: skip


def _health() -> Any:
    score = html.P([html.Span("–", id="score", className="score"), html.Span("health, of 100", className="unit")],
                   className="score-line")  # fmt: skip
    parts = html.Div([html.Div(id="stack", className="stack", role="img"), html.Ul(id="parts", className="parts")],
                     className="stack-wrap")  # fmt: skip
    return html.Div([score, parts], id="health", className="health", **{"data-tone": "unknown"})


def _keys() -> Any:
    return html.Dl(
        [
            html.Div([
                html.Dt(title),
                html.Dd([html.Span("–", id=f"key-{name}", className="key"), html.Span(id=f"key-{name}-sub", className="sub")]),
            ])
            for name, title in KEYS
        ],
        className="keys",
    )  # fmt: skip


def _controls() -> Any:
    buttons = [
        html.Button(
            title, id=f"do-{name}", className="button", type="button", title=says, **{"data-command": name}
        )
        for name, title, says in COMMANDS
    ]
    return html.Div(
        [*buttons, html.P(id="waiting", className="waiting", role="status")], className="controls"
    )


def speaks(sight: Sight, _: Asked) -> Sentence:
    """The sentence of the whole organism."""
    return say(sight.glimpse, sight.judged, guarded=sight.guarded)


def pieces(asked: Asked, sight: Sight) -> dict[str, Callable[[], Any]]:
    """What the page shows, each made when it is asked for."""
    return {
        "health": lambda: pulse.health(sight.glimpse, sight.judged),
        "figures": lambda: pulse.keys(sight.glimpse),
        "organs": lambda: {**pulse.organs(sight.glimpse, alive=sight.is_alive), "ages": ages(sight)},
        "controls": lambda: pulse.controls(sight.glimpse, sight.waiting),
        "vitals-curve": lambda: money.equity(asked, sight),
        "vitals-brakes": lambda: money.brakes(sight),
        "lately-market": lambda: shapes.events(tables.lately_market(sight.glimpse), wall=False),
        "lately-body": lambda: shapes.events(
            tables.lately_body(sight.glimpse, times(n) if (n := reborn(sight)) else ""), wall=True
        ),
    }


def ages(sight: Sight) -> dict[str, str]:
    """How long messages wait on each way between two organs, in words: the slowest of their kinds."""
    history = sight.history if sight.is_alive else None
    if history is None:
        return {}
    return sight.kept.get("ages", _AGES_KEEP_S, lambda: _ages(history))


def _ages(history: Reading) -> dict[str, str]:
    slowest: dict[str, tuple[float, float]] = {}
    for one in history.flow("1h"):
        half, most = figures.number(one["age_p50_s"]), figures.number(one["age_p99_s"])
        if half is None or most is None:
            continue
        way = f"{one['sender']}>{one['receiver']}"
        slowest[way] = max(slowest.get(way, (0.0, 0.0)), (most, half))
    return {
        way: f"half wait under {milliseconds(half)}, 99 of 100 under {milliseconds(most)}"
        for way, (most, half) in slowest.items()
    }
