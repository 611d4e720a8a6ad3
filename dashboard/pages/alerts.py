"""Alerts: what was said, to whom, whether it arrived, and who has seen it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from dashboard import figures
from dashboard.glimpse import Row
from dashboard.pages import shapes
from dashboard.pages.asked import Asked
from dashboard.pages.parts import block, coming, page, row
from dashboard.pages.shapes import Piece
from dashboard.pages.shared import counted, human, told
from dashboard.sentence import Sentence
from dashboard.sight import Sight
from organism.alerts import LAST_WORDS, Delivery, acknowledged, deliveries, guardians, with_guardians

SEVERITY = {"info": "unknown", "success": "good", "warning": "watch", "critical": "act"}
_DELIVERY = {
    "delivered": ("delivered", "good"),
    "pending": ("waiting", "watch"),
    "failed": ("failed", "act"),
    "summed_up": ("told in a summary", "quiet"),
    "dropped": ("given up, the channel is gone", "watch"),
}
MOST = 60
_KEEP_S = 1.0
_WRITTEN = (
    "commands.db",
    "commands.db-wal",
    "deliveries.db",
    "deliveries.db-wal",
    LAST_WORDS,
)  # what is known at once: a person's word, and the guardian's


def skeleton() -> Any:
    """The page without its contents."""
    return page("alerts", [
        row(block("Inbox", "alerts", "events", "Nothing was worth a person's attention yet. What is appears here, newest first.", "wide"),
            block("By severity", "alerts-counts", "table", "Counts appear with the first alert.", "narrow")),
        block("Delivery log", "alerts-deliveries", "table", "No alert left for a channel. Name one under [voice] in the settings, "
              "such as mail or a phone, and what became of each alert on its way appears here."),
        row(coming("Silences", "Mute one kind of alert for some hours, without muting the organism.",
                   "Appears with the alert engine; until then [voice] in the settings chooses who hears what.", "half"),
            coming("Budget", "How many alerts an hour may disturb a person, how many did, and what was held back.",
                   "Appears with the alert engine.", "half")),
    ])  # fmt: skip


def rows_of(sight: Sight) -> tuple[list[Row], set[str], dict[str, list[Delivery]]]:
    """The newest alerts, which of them a person has seen, and what became of each on its way."""

    def read() -> tuple[list[Row], set[str], dict[str, list[Delivery]]]:
        rows = sight.rows("SELECT * FROM alerts ORDER BY wall_ns DESC, alert_id DESC LIMIT ?", MOST)
        if sight.at_ns is None:  # the guardian lives by wall time, and is in no journal
            rows = with_guardians(rows, sight.state, MOST)
        ids = [str(one["alert_id"]) for one in rows]
        return rows, acknowledged(sight.state, ids), deliveries(sight.state, ids)

    return sight.kept.get(("alerts", written(sight.state)), _KEEP_S, read)


def written(state: Path) -> tuple[int, ...]:
    """When a person's word, or what became of an alert, was last written: nothing older is shown after that."""
    return tuple(_changed_ns(state / name) for name in _WRITTEN)


def _changed_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def unseen(sight: Sight) -> int:
    """How many of the newest alerts nobody has seen that ask for a person: warnings and worse."""
    rows, seen, _ = rows_of(sight)
    return sum(
        1
        for one in rows
        if one["alert_id"] not in seen and SEVERITY.get(str(one.get("severity"))) in {"watch", "act"}
    )


def speaks(sight: Sight, _: Asked) -> Sentence:
    """Whether somebody should look."""
    if first := told(sight):
        return first
    rows, seen, sent = rows_of(sight)
    n, waiting = unseen(sight), [one for one in rows if one["alert_id"] not in seen]
    failed = sum(1 for found in sent.values() for one in found if one.state == "failed")
    said = (
        f"{counted(failed, 'delivery').replace('deliverys', 'deliveries')} failed: see the log below."
        if failed
        else ""
    )
    if n:
        newest = next(one for one in waiting if SEVERITY.get(str(one.get("severity"))) in {"watch", "act"})
        return Sentence(lead=f"{counted(n, 'warning')} not seen yet.", text=f"The newest: {str(newest['title'])[:160]}. {said}",
                        need="Mark what you have looked at as seen.", tone="watch")  # fmt: skip
    if not rows:
        return Sentence(
            lead="Silent.", text="Nothing was worth a person's attention yet.", need="", tone="good"
        )
    return Sentence(lead="Nothing waits for you.", text=f"{counted(len(rows), 'alert')} kept, no warning unseen. {said}", need="",
                    tone="watch" if failed else "good")  # fmt: skip


def pieces(_: Asked, sight: Sight) -> dict[str, Callable[[], Any]]:
    """What the page shows, each made when it is asked for."""
    return {
        "alerts": lambda: inbox(sight),
        "alerts-counts": lambda: counts(sight),
        "alerts-deliveries": lambda: log(sight),
    }


def inbox(sight: Sight) -> Piece:
    """Alerts, newest first."""
    rows, seen, sent = rows_of(sight)
    found = shapes.events(((str(one["alert_id"]), _alert(one, seen, sent)) for one in rows), wall=True)
    left = sum(1 for one in rows if one["alert_id"] not in seen)
    return found | {"aside": f"{left} not seen yet" if left else "all seen"} if found else {}


def _alert(one: Row, seen: set[str], sent: dict[str, list[Delivery]]) -> dict[str, Any]:
    n = int(one.get("count") or 1)
    name = str(one["alert_id"])
    return shapes.event(
        one.get("wall_ns"),
        str(one.get("title") or "")[:160] + (f" ({n}×)" if n > 1 else ""),
        str(one.get("body") or ""),
        SEVERITY.get(str(one.get("severity")), "unknown"),
        severity=str(one.get("severity") or ""),
        id=name,
        seen=name in seen,
        sent=[_sent(found) for found in sent.get(name, ())],
    )


def _sent(found: Delivery) -> dict[str, str]:
    says, tone = _DELIVERY.get(found.state, (human(found.state), "quiet"))
    return {"tag": f"{found.channel}: {says}", "tone": tone, "title": found.error[:200]}


def counts(sight: Sight) -> Piece:
    """How many of each severity."""
    found = sight.rows(
        "SELECT severity, count(*) AS n, max(wall_ns) AS last_ns FROM alerts GROUP BY severity"
    )
    order = list(SEVERITY)[::-1]
    for one in guardians(sight.state, MOST) if sight.at_ns is None else ():
        same = next((row for row in found if row["severity"] == one["severity"]), None)
        if same is None:
            found.append({"severity": one["severity"], "n": 1, "last_ns": one["wall_ns"]})
        else:
            same.update(n=same["n"] + 1, last_ns=max(same["last_ns"], one["wall_ns"]))
    found.sort(key=lambda one: order.index(str(one["severity"])) if one["severity"] in order else len(order))
    rows = [
        (str(one["severity"]), [shapes.tag(human(one["severity"]), SEVERITY.get(str(one["severity"]), "quiet")),
                                shapes.number(figures.plain(one["n"], 0), one["n"]), shapes.moment(one["last_ns"], ago=True)])
        for one in found
    ]  # fmt: skip
    return shapes.table([shapes.head("Severity"), shapes.head("Alerts", num=True), shapes.head("Last")], rows)


def log(sight: Sight) -> Piece:
    """Each alert on its way to each channel."""
    rows, _, sent = rows_of(sight)
    lines = []
    for one in rows:
        for found in sent.get(str(one["alert_id"]), ()):
            says, tone = _DELIVERY.get(found.state, (human(found.state), "quiet"))
            lines.append((f"{one['alert_id']}>{found.channel}", [
                shapes.moment(one.get("wall_ns"), ago=True), shapes.text(str(one.get("title") or "")[:120]),
                shapes.text(found.channel, strong=True), shapes.tag(says, tone), shapes.text(found.error[:200], tone="muted"),
            ]))  # fmt: skip
    heads = [
        shapes.head("Raised"),
        shapes.head("Alert"),
        shapes.head("Channel"),
        shapes.head("What became of it"),
        shapes.head("Error", low=True),
    ]
    return shapes.table(heads, lines)
