"""The frame around the pages: head, bar, rail, range, and the ten skeletons of which the browser shows one.

Everything that changes has an id; the scripts in `assets/` fill it twice a second. Going from page to page needs no
reload: the address changes, and another skeleton is shown.
"""

from typing import Any

from dash import ClientsideFunction, Input, Output, clientside_callback, dcc, html

from dashboard.pages.names import NAMED, Named
from dashboard.pages.registry import PAGES

INDEX = """<!DOCTYPE html>
<html lang="en" data-mode="paper" data-condition="loading" data-page="vitals">
<head>
{%metas%}
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="theme-color" content="#FAFAF7" media="(prefers-color-scheme: light)">
<meta name="theme-color" content="#0F1519" media="(prefers-color-scheme: dark)">
<title>{%title%}</title>
<link rel="icon" href="/assets/mark.svg" type="image/svg+xml">
{%css%}
<link rel="preload" as="script" fetchpriority="low" id="plotly" href="/_dash-component-suites/plotly/package_data/plotly.min.js">
</head>
<body>
<!-- early -->
{%app_entry%}
<noscript><p class="no-script">The vitals need JavaScript. Without it, type <code>./run status</code>.</p></noscript>
<footer>{%config%}{%scripts%}{%renderer%}</footer>
</body>
</html>"""

_FIRST = ("vitals", "trading", "risk", "alerts")  # on a phone's bar; the others are behind "More"


def page() -> Any:
    """The whole document."""
    clientside_callback(
        ClientsideFunction("organism", "look"), Output("looked", "data"), Input("clock", "n_intervals")
    )
    return html.Div(
        [
            html.A("Skip to the page", href="#page", className="skip"),
            _bar(),
            _past(),
            _rail(),
            html.Main([*(one.skeleton() for one in PAGES.values()), _about()], id="page", tabIndex=-1),
            dcc.Interval(id="clock", interval=500),
            # With data at first: a state that changes while Dash mounts. Without it dash 4.4 tells every component of the
            # mounting of every other, 1.8 million calls instead of 0.05, which took this page 0.8 s longer.
            dcc.Store(id="looked", data=0),
        ],
        id="organism",
    )


def _bar() -> Any:
    return html.Header(
        [
            html.P(
                [html.Span(className="word-mark", **{"aria-hidden": "true"}), html.Span("organism", className="word-name")],
                className="word",
            ),
            html.P(
                [
                    html.Span("Paper", id="mode-name"),
                    html.Span(" · no real money", id="mode-more", className="mode-more"),
                ],
                id="mode",
                className="mode",
            ),
            html.A(id="standing", className="standing", href="/", hidden=True, **{"data-go": "vitals"}),
            html.P(
                [html.Span(id="market"), html.Span(id="market-clock", className="clock")],
                className="bar-market",
            ),
            html.P(
                [html.Span(className="pip", **{"aria-hidden": "true"}), html.Span("connecting", id="fresh")],
                className="fresh",
                id="fresh-pill",
            ),
        ],
        className="bar",
    )  # fmt: skip


def _past() -> Any:
    """What is said above every page that shows a past moment, and the way back."""
    steps = [("-86400000", "−1 day"), ("-3600000", "−1 h"), ("3600000", "+1 h"), ("86400000", "+1 day")]
    return html.Div(
        [
            html.P(
                [html.B("As it was "), html.Span(id="past-at"), " · nothing can be ordered here"],
                role="status",
            ),
            html.Div(
                [
                    *(
                        html.Button(says, type="button", className="span", **{"data-back": ms})
                        for ms, says in steps
                    ),
                    html.Button("Back to now", type="button", className="span now", **{"data-back": "now"}),
                ],
                className="past-steps",
            ),
        ],
        id="past",
        className="past",
        hidden=True,
    )


def _rail() -> Any:
    """Links to all pages; on a phone four of them, and a sheet with all."""
    more = html.Button(
        [html.Span(className="icon icon-more", **{"aria-hidden": "true"}), html.Span("More")],
        id="more",
        className="rail-more",
        type="button",
        **{"aria-expanded": "false", "aria-controls": "rail-list"},
    )
    return html.Nav(
        [html.Ul([html.Li(_link(one), className="rail-first" if one.name in _FIRST else "rail-rest") for one in NAMED],
                 id="rail-list", className="rail-list"), more],
        className="rail",
        id="rail",
        **{"aria-label": "Pages"},
    )  # fmt: skip


def _link(one: Named) -> Any:
    inside = [html.Span(className=f"icon icon-{one.name}", **{"aria-hidden": "true"}), html.Span(one.title)]
    if one.name == "alerts":
        inside.append(html.Span(id="unseen-count", className="badge", hidden=True))
    return html.A(inside, href=one.path, title=one.question, **{"data-go": one.name})


def _about() -> Any:
    return html.P(
        [
            html.Span(id="about"),
            html.A("vitals as JSON", href="/api/vitals"),
            html.A("healthz", href="/healthz"),
            html.Span(id="signed", className="signed"),
        ],
        className="about",
    )
