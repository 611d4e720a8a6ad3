"""Why: pick a fill and walk its chain back to the bar; pick a bar and see what stopped it."""

import re
from collections.abc import Callable
from typing import Any

from dashboard import figures, tables
from dashboard.glimpse import Row
from dashboard.pages import shapes
from dashboard.pages.asked import Asked
from dashboard.pages.parts import block, page, row
from dashboard.pages.shapes import Piece
from dashboard.pages.shared import counted, human, instrument, strategy, told
from dashboard.reading import Reading
from dashboard.sentence import Sentence
from dashboard.sight import Sight

MOST_ROWS = 60
_BARS = 8  # newest bars of each instrument whose gate is told
_MOST_SYMBOLS = 6
_TONE = {"bar": "unknown", "forecast": "unknown", "target": "good", "proposal": "unknown", "verdict": "watch", "order": "unknown",
         "fill": "good", "trade": "good", "command": "watch", "position": "unknown"}  # fmt: skip
_TITLE = {"bar": "The bar", "forecast": "A forecast", "target": "The target", "proposal": "The proposal", "verdict": "Risk control",
          "order": "The order", "fill": "The fill", "trade": "The trade", "command": "A command", "position": "The position"}  # fmt: skip
_VERDICT = {
    "approved": "good",
    "filled": "good",
    "denied": "act",
    "rejected": "act",
    "expired": "watch",
    "unknown": "watch",
}
_STOPPED = {"": "good", "denied": "act", "not_sent": "act", "waiting": "watch"}
_DECIMAL = re.compile(r"-?\d+\.\d+")  # an amount as the journal has it, with zeros at its end
_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")
_BAR = re.compile(
    r"bar:((?![0-9]+:)[^:].*):([0-9]{1,19})"
)  # of an instrument; "bar:7:…" is an event of session 7
_UNKNOWN = (
    "Nothing is known of this fill, order or event here. Routine that led to nothing is in the journal alone: the page Machine shows "
    "it, level debug."
)
_HIDDEN = {"genome", "genome_ids", "what", "flags", "opened_ns"}


def skeleton() -> Any:
    """The page without its contents."""
    return page("why", [
        row(block("Fills", "why-fills", "table", "No fill in this time. Choose a longer time above, or wait for the first order.", "half",
                  aside="newest first"),
            block("Its chain, back to the bar", "why-chain", "chain",
                  "Pick a fill or a bar: the bar that began it, who said what, what was aimed at, the order and its life appear here. "
                  "Any event of the page Machine leads here, too.",
                  "half")),
        block("What stopped each bar", "why-gates", "table",
              "Bars and the gate at which each ended appear here once the journal was read.", aside="the newest bars"),
    ])  # fmt: skip


def speaks(sight: Sight, asked: Asked) -> Sentence:
    """What can be asked here, and how much of the journal is known."""
    if first := told(sight):
        return first
    n = len(_fills(asked, sight))
    progress = None if sight.reading is None else sight.reading.progress()
    reading = "" if progress is None or progress.state == "ready" else f" {progress.sentence}"
    if not n:
        return Sentence(
            lead="Nothing to explain yet.", text=f"No fill in this time.{reading}", need="", tone="unknown"
        )
    said = f"{counted(n, 'fill')} in this time; each can be walked back to the bar that began it.{reading}"
    return Sentence(lead="Every fill has its reasons.", text=said, need="", tone="good")


def pieces(asked: Asked, sight: Sight) -> dict[str, Callable[[], Any]]:
    """What the page shows, each made when it is asked for."""
    return {
        "why-fills": lambda: tables.fills(_fills(asked, sight)[:MOST_ROWS], _more(len(_fills(asked, sight)))),
        "why-chain": lambda: chain(asked, sight),
        "why-gates": lambda: gates(asked, sight),
    }


def _more(n: int) -> str:
    return f"the newest {MOST_ROWS} of {n:,}" if n > MOST_ROWS else ""


def _fills(asked: Asked, sight: Sight) -> list[Row]:
    def read() -> list[Row]:
        rows = sight.over(asked.since_ns(sight.market_ns)).fills()
        return [one for one in rows if asked.wants(one["symbol"])]

    return sight.kept.get(("fills", asked.span, asked.symbols), 1.5, read)


# ---------------------------------------------------------------- chains


def chain(asked: Asked, sight: Sight) -> Piece:
    """From the bar to the fill that was picked; or how far a bar that was picked came."""
    if not asked.about:
        return {}
    if sight.history is None:
        return _short(asked, sight)
    if bar := _BAR.fullmatch(asked.about):
        return _gate(sight.history, bar[1], int(bar[2]))
    steps = [_step(one) for one in sight.history.chain(asked.about)]
    return {"steps": steps} if steps else {"error": _UNKNOWN}


def _gate(history: Reading, symbol: str, at_ns: int) -> Piece:
    found = history.gate(symbol, at_ns)
    stopped = str(found["stopped"])
    steps = [_step(one) for one in found["steps"]]
    title = "It went through to a fill" if not stopped else f"It ended here: {human(stopped).lower()}"
    end = shapes.step(
        title, str(found["sentence"]), tone=_STOPPED.get(stopped, "unknown"), at_ns=found["at_ns"]
    )
    return {"steps": [*steps, end]}


def _step(one: Row) -> dict[str, Any]:
    if one["what"] == "event":
        return _event(one)
    fields = [
        (human(key).lower(), _written(value))
        for key, value in one["fields"].items()
        if key not in _HIDDEN and value not in (None, "", [])
    ]
    genome = [(str(label), str(text)) for label, text in one["fields"].get("genome") or []]
    what = str(one["what"])
    tone = _VERDICT.get(str(one["fields"].get("status")), _TONE.get(what, "unknown"))
    said = str(one["text"])
    if family := one["fields"].get("family"):  # the id stands below, among the facts
        said = said.replace(str(one["fields"]["genome_id"]), strategy(family), 1)
    return shapes.step(
        _TITLE.get(what, human(what)),
        said,
        [*fields, *genome][:14],
        tone,
        one["at_ns"],
    )


def _event(one: Row) -> dict[str, Any]:
    """One event on its way from organ to organ."""
    said = one["fields"]
    kind = human(_WORD.sub(" ", str(said["kind"])).lower())
    way = [
        ("by", str(said["sender"])),
        ("to", str(said["receivers"]).replace(",", ", ")),
        ("id", str(one["id"])),
    ]
    mine = bool(said["asked"])
    tone = {"warning": "watch", "error": "act"}.get(str(said["level"]), "good" if mine else "unknown")
    text = str(one["text"])
    step = shapes.step(
        f"{kind}, the event asked about" if mine else kind,
        "" if text == said["kind"] else text,
        way,
        tone,
        one["at_ns"],
    )
    return {**step, "about": str(one["id"])} if said["kind"] == "Filled" and not mine else step


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}".replace("-", figures.MINUS)
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    text = str(value)
    if _DECIMAL.fullmatch(text):
        return text.rstrip("0").rstrip(".").replace("-", figures.MINUS)
    return text


def _short(asked: Asked, sight: Sight) -> Piece:
    """While the journal is still being read: what the view knows of a fill, itself and its order."""
    found = sight.rows("SELECT * FROM fills WHERE key = ? LIMIT 1", asked.about)
    if not found:
        return {"error": "The journal is still being read; the chain appears when that is done."}
    fill = found[0]
    steps = [
        shapes.step("The order", f"A {one['kind']} order to {one['side']}.", [("purpose", str(one["purpose"])), ("state", str(one["status"]))],
                    "unknown", one["created_ns"])
        for one in sight.rows("SELECT * FROM orders WHERE order_id = ? LIMIT 1", fill["order_id"])
    ]  # fmt: skip
    side = "Bought" if fill["side"] == "buy" else "Sold"
    steps.append(shapes.step("The fill", f"{side} {fill['quantity']} {fill['symbol']} at {fill['price']}.", [("fee", str(fill["fee"]))],
                             "good", fill["at_ns"]))  # fmt: skip
    return {"steps": steps, "note": "The rest of the chain appears when the journal was read."}


# ---------------------------------------------------------------- gates


def gates(asked: Asked, sight: Sight) -> Piece:
    """The newest bars, and at which gate each ended."""
    history = sight.history
    if history is None:
        return {}
    rows = []
    for symbol in asked.chosen(sight.symbols())[:_MOST_SYMBOLS]:
        for at_ns in _bars(sight, symbol):
            found = history.gate(symbol, at_ns)
            stopped = str(found["stopped"])
            rows.append((at_ns, symbol, stopped, str(found["sentence"])))
    rows.sort(key=lambda one: (-one[0], one[1]))
    heads = [
        shapes.head("Bar closed"),
        shapes.head("Instrument"),
        shapes.head("Ended at"),
        shapes.head("Because", low=True),
        shapes.head("Chain"),
    ]
    return shapes.table(heads, [
        (f"{symbol}:{at_ns}", [
            shapes.moment(at_ns), instrument(symbol), shapes.tag(human(stopped) if stopped else "A fill", _STOPPED.get(stopped, "quiet"), said),
            shapes.text(said, tone="muted", wrap=True), {"v": "how far?", "about": f"bar:{symbol}:{at_ns}", "x": f"bar:{symbol}:{at_ns}"},
        ])
        for at_ns, symbol, stopped, said in rows
    ], most=12)  # fmt: skip


def _bars(sight: Sight, symbol: str) -> list[int]:
    """Moments of the newest bars of an instrument."""
    newest = sight.market_ns or 0
    found = sight.rows(
        "SELECT at_ns FROM marks WHERE symbol = ? AND at_ns <= ? ORDER BY at_ns DESC LIMIT ?",
        symbol,
        newest,
        _BARS,
    )
    return [int(one["at_ns"]) for one in found]
