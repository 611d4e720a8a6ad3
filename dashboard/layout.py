"""The page's skeleton. Everything that changes has an id; the scripts in `assets/` fill it each second."""

from typing import Any

from dash import ClientsideFunction, Input, Output, State, clientside_callback, dcc, html

from organism.view.evolution import NOT_FUNDED

INDEX = """<!DOCTYPE html>
<html lang="en" data-mode="paper" data-condition="loading">
<head>
{%metas%}
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="theme-color" content="#FAFAF7" media="(prefers-color-scheme: light)">
<meta name="theme-color" content="#0F1519" media="(prefers-color-scheme: dark)">
<title>{%title%}</title>
<link rel="icon" href="/assets/mark.svg" type="image/svg+xml">
{%css%}
</head>
<body>
{%app_entry%}
<noscript><p class="no-script">The vitals need JavaScript. Without it, type <code>./run status</code>.</p></noscript>
<footer>{%config%}{%scripts%}{%renderer%}</footer>
</body>
</html>"""

_SECTIONS = (
    ("vitals", "Vitals"),
    ("money", "Money"),
    ("holdings", "Holdings"),
    ("evolution", "Evolution"),
    ("said", "Said"),
    ("house", "Machine"),
)
_COMMANDS = (
    ("reduce", "Reduce", "Only orders that shrink positions"),
    ("halt", "Halt", "Open nothing until a person resumes"),
    ("flatten", "Flatten", "Close every position now; open nothing new until resumed"),
    ("resume", "Resume", "Trade normally again"),
)


def page() -> Any:
    """The whole first page."""
    clientside_callback(
        ClientsideFunction("organism", "look"), Output("seen", "data"), Input("clock", "n_intervals")
    )
    clientside_callback(
        ClientsideFunction("organism", "graph"),
        Output("graph", "children"),
        Input("clock", "n_intervals"),
        State("graph-later", "data"),
    )
    return html.Div(
        [
            html.A("Skip to the vitals", href="#vitals", className="skip"),
            _bar(),
            _rail(),
            html.Main([_vitals(), _money(), _holdings(), _evolution(), _said(), _house()], id="page"),
            dcc.Interval(id="clock", interval=1000),
            dcc.Store(id="seen"),
            dcc.Store(id="graph-later", data=_graph().to_plotly_json()),
        ],
        id="organism",
    )


def _bar() -> Any:
    return html.Header(
        [
            html.P(
                [html.Span(className="word-mark", **{"aria-hidden": "true"}), "organism"], className="word"
            ),
            html.P(
                [
                    html.Span("Paper", id="mode-name"),
                    html.Span(" · no real money", id="mode-more", className="mode-more"),
                ],
                id="mode",
                className="mode",
            ),
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
    )


def _rail() -> Any:
    links = [
        html.A(
            [html.Span(className=f"icon icon-{name}", **{"aria-hidden": "true"}), html.Span(title)],
            href=f"#{name}",
        )
        for name, title in _SECTIONS
    ]
    return html.Nav(links, className="rail", **{"aria-label": "Sections"})


def _vitals() -> Any:
    return html.Section(
        [
            html.Div(
                [
                    html.H1(
                        [
                            html.Span("Looking …", id="lead", className="lead"),
                            " ",
                            html.Span(id="text", className="text"),
                            " ",
                            html.Span(id="need", className="need"),
                        ],
                        id="sentence",
                        className="sentence",
                        **{"aria-live": "polite", "data-tone": "unknown"},
                    ),
                    _health(),
                    _keys(),
                    _controls(),
                ],
                className="hero-say",
            ),
            html.Div(
                [
                    html.Div(id="body-figure", className="body-figure"),
                    html.P(
                        "Point at an organ, or reach it with Tab.", id="organ-note", className="organ-note",
                        **{"aria-live": "polite"},
                    ),
                ],
                className="hero-body",
            ),
        ],
        id="vitals",
        className="hero",
        **{"aria-label": "Vitals"},
    )  # fmt: skip


def _health() -> Any:
    return html.Div(
        [
            html.P(
                [
                    html.Span("–", id="score", className="score"),
                    html.Span("health, of 100", className="unit"),
                ],
                className="score-line",
            ),
            html.Div(
                [html.Div(id="stack", className="stack", role="img"), html.Ul(id="parts", className="parts")],
                className="stack-wrap",
            ),
        ],
        id="health",
        className="health",
        **{"data-tone": "unknown"},
    )


def _keys() -> Any:
    wanted = (
        ("equity", "Equity"), ("today", "Today"), ("total", "Since the start"), ("exposure", "Exposed"),
    )  # fmt: skip
    return html.Dl(
        [
            html.Div([
                html.Dt(title),
                html.Dd([html.Span("–", id=f"key-{name}", className="key"), html.Span(id=f"key-{name}-sub", className="sub")]),
            ])
            for name, title in wanted
        ],
        className="keys",
    )  # fmt: skip


def _controls() -> Any:
    buttons = [
        html.Button(
            title, id=f"do-{name}", className="button", type="button", title=says, **{"data-command": name}
        )
        for name, title, says in _COMMANDS
    ]
    return html.Div(
        [*buttons, html.P(id="waiting", className="waiting", role="status")], className="controls"
    )


def _graph() -> Any:
    """The chart, put on the page a second late: its library takes the browser longer than all the rest."""
    return dcc.Graph(
        id="curve",
        figure={"data": [], "layout": {"paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)"}},
        config={"displayModeBar": False, "responsive": True, "scrollZoom": False, "doubleClick": False},
        className="graph",
        responsive=True,
    )


def _money() -> Any:
    return _section("money", "Money", [
        _block("Equity and drawdown", [
            html.Div([html.Div(id="graph"), _empty("curve", "The curve begins with the first marked portfolio, seconds after the body wakes.")],
                     className="graph-wrap"),
        ], "wide", aside=html.Span("market time", id="curve-note")),
        _block("How far each brake is", [html.Div(id="brakes", className="brakes"), _empty("brakes", "Limits appear with the first portfolio.")],
               "narrow", aside=html.Span(id="rate")),
    ])  # fmt: skip


def _holdings() -> Any:
    held = [
        _block("Positions", [_table("positions", ("Instrument", "Lately", "Quantity", "Price", "Exposed", "Unrealised", "Stop")),
                             _empty("positions", "Nothing is held. A position appears here with its stop as soon as an order fills.")]),
        _block("Last trades", [_table("trades", ("Closed", "Instrument", "Quantity", "Price", "Held", "Result")),
                               _empty("trades", "No trade has been closed yet.")], aside=html.Span(id="trades-note")),
    ]  # fmt: skip
    why = [
        _block("Who decides", [_table("strategies", ()), _empty("strategies", "Strategies appear when the brain funds them.")],
               aside="forecast, short to long"),
        _block("Orders alive", [_table("orders", ("Instrument", "Quantity", "Price", "Purpose", "State")),
                                _empty("orders", "No order is resting or on its way.")]),
    ]  # fmt: skip
    columns = [html.Div(held, className="wide column"), html.Div(why, className="narrow column")]
    return _section("holdings", "Holdings", columns)


def _evolution() -> Any:
    return _section("evolution", "Evolution", [
        _block("Breeding", [html.P("Nothing is known of breeding yet.", id="bred-say", className="bred-say"),
                                              html.Dl(id="bred-figures", className="machine"),
                                              html.P(NOT_FUNDED, className="bred-note")],
               "narrow", aside=html.Span(id="bred-share")),
        _block("The best so far", [html.Div(id="bred", className="bred"), _empty("bred", "Nothing was bred yet.")],
               "wide", aside=html.Span(id="bred-name")),
    ])  # fmt: skip


def _said() -> Any:
    return _section("said", "Said and done", [
        _block("Alerts", [html.Ol(id="alerts", className="events"), _empty("alerts", "Nothing was worth a person's attention yet.")], "third",
               aside=html.Span(id="unseen")),
        _block("Lately in the market", [html.Ol(id="lately-market", className="events"),
                                        _empty("lately-market", "Fills and refusals appear here.")], "third"),
        _block("Lately in the body", [html.Ol(id="lately-body", className="events"),
                                      _empty("lately-body", "No organ was restarted, no message set aside.")], "third"),
    ])  # fmt: skip


def _house() -> Any:
    return _section("house", "Machine", [
        _block("Feeds", [html.Ul(id="feeds", className="feeds"), _empty("feeds", "Feeds appear when the body listens to one.")], "narrow"),
        _block("The body on this machine", [html.Dl(id="machine", className="machine"), _empty("machine", "Measured once a second while the body lives.")], "wide"),
        html.P([html.Span(id="about"), html.A("vitals as JSON", href="/api/vitals"), html.A("healthz", href="/healthz"),
                html.Span(id="signed", className="signed")], className="about"),
    ])  # fmt: skip


def _section(name: str, title: str, blocks: list[Any]) -> Any:
    heading = html.H2(title, className="section-title", id=f"{name}-title")
    return html.Section(
        [heading, *blocks], id=name, className="section", **{"aria-labelledby": f"{name}-title"}
    )


def _block(title: str, content: list[Any], width: str = "", aside: Any = None) -> Any:
    return html.Article(
        [html.Div([html.H3(title), html.Span(aside, className="aside")], className="block-head"), *content],
        className=f"block {width}".strip(),
    )


def _table(name: str, heads: tuple[str, ...]) -> Any:
    cells = [html.Th(head, scope="col") for head in heads]
    return html.Div(
        html.Table([html.Thead(html.Tr(cells), id=f"{name}-heads"), html.Tbody(id=f"{name}-rows")]),
        className=f"table table-{name}",
        id=name,
        tabIndex=0,
        role="region",
        **{"aria-label": name},
    )


def _empty(name: str, says: str) -> Any:
    return html.P(says, id=f"{name}-empty", className="empty")
