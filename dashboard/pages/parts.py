"""Parts of a page's skeleton. A holder carries the name of its piece as id and its shape as `data-kind`."""

from typing import Any

from dash import html

from dashboard.pages.asked import DEFAULT, RANGES
from dashboard.pages.names import NAMED

_SPANS = {"1h": "1 hour", "6h": "6 hours", "1d": "1 day", "1w": "1 week", "all": "everything"}


def sentence(page: str) -> Any:
    """The one sentence that a page begins with."""
    return html.H1(
        [
            html.Span("Looking …", id=f"{page}-lead", className="lead"),
            " ",
            html.Span(id=f"{page}-text", className="text"),
            " ",
            html.Span(id=f"{page}-need", className="need"),
        ],
        id=f"{page}-sentence",
        className="sentence",
        **{"aria-live": "polite", "data-tone": "unknown"},
    )


def page(name: str, content: list[Any], *, first: Any = None) -> Any:
    """A whole page; `first` stands in place of the sentence where the page has more to say at once."""
    named = next(one for one in NAMED if one.name == name)
    return html.Section(
        [
            first if first is not None else sentence(name),
            html.P(id=f"{name}-trouble", className="trouble", role="status"),
            *([choice(picked=named.picked)] if named.ranged else []),
            *content,
        ],
        id=f"page-{name}",
        className="page",
        **{"aria-label": named.title, "data-page": name},
    )


def choice(*, picked: bool) -> Any:
    """The time range and, where it matters, the instruments: shared by the pages and kept in the address."""
    spans = [
        html.Button(
            name, type="button", className="span", title=_SPANS[name],
            **{"data-span": name, "aria-pressed": "true" if name == DEFAULT else "false"},
        )
        for name in RANGES
    ]  # fmt: skip
    group = {"aria-label": "Time shown, before the newest moment of the market"}
    some = html.Div(className="symbols", role="group", **{"aria-label": "Instruments shown"})
    back = html.Div(
        html.Button(
            "Go back to …",
            type="button",
            className="span",
            title="Show a past moment of the market as it was",
            **{"data-back": "ask"},
        ),
        className="back",
    )
    return html.Div(
        [html.Div(spans, className="spans", role="group", **group), *([some] if picked else []), back],
        className="choice",
    )


def row(*blocks: Any) -> Any:
    """Blocks side by side, on twelve columns."""
    return html.Div(list(blocks), className="row")


def column(width: str, *blocks: Any) -> Any:
    """Blocks above each other, in one part of a row."""
    return html.Div(list(blocks), className=f"{width} column")


def block(
    title: str, name: str, kind: str, empty: str, width: str = "full", *, aside: Any = None, says: str = ""
) -> Any:
    """One piece with its heading: skeleton while nothing is known, `empty` when there is nothing to show."""
    right: list[Any] = [html.Span(aside, id=f"{name}-aside", className="aside")]
    if kind == "table":
        right.append(html.A("CSV", id=f"{name}-csv", className="csv", href=f"/api/csv/{name}", download=f"{name}.csv",
                            **{"aria-label": f"{title} as CSV"}))  # fmt: skip
    return html.Article(
        [
            html.Div([html.H2(title, id=f"{name}-title"), html.Div(right, className="block-right")], className="block-head"),
            *([html.P(says, className="block-says")] if says else []),
            *_holder(name, kind, empty),
        ],
        className=f"block {width}",
        **{"data-block": name},
    )  # fmt: skip


def _holder(name: str, kind: str, empty: str) -> list[Any]:
    """The element that the browser fills, and what stands there instead."""
    return [
        html.Div(id=name, className=f"holder holder-{kind}", hidden=True, **{"data-kind": kind}),
        html.Div(className=f"skeleton skeleton-{kind}", **{"aria-hidden": "true"}),
        html.P(empty, id=f"{name}-empty", className="empty", hidden=True),
    ]


def coming(title: str, says: str, when: str, width: str = "full") -> Any:
    """What will appear here, and when: designed now, filled by what comes later."""
    return html.Article(
        [
            html.Div([html.H2(title), html.Span("not yet", className="aside")], className="block-head"),
            html.Div([html.P(says), html.P(when, className="coming-when")], className="coming"),
        ],
        className=f"block {width}",
    )
