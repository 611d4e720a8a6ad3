"""What is known of an alert beside its words: whether a person has seen it, and which channels it reached.

Besides those that the body raised there are the guardian's own, told while no body could speak.

That it was seen is a person's word, kept beside the operator's commands; what became of it on its way is kept by
the sender. Reading either changes nothing, and a file that is not there, or is busy, only means that nothing is known.
"""

import contextlib
import hashlib
import sqlite3
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from organism.commands import CommandsDb
from organism.redaction import one_line

LAST_WORDS: Final = "last_words.jsonl"
PRIORITY: Final = {
    "critical": "critical",
    "warning": "high",
}  # of the guardian's words, by severity; else low
_LOOK_S = 0.25  # longest wait for a busy file
_MOST_BYTES = 256 * 1024  # of the guardian's words that are looked at: the newest
_SEVERITIES = frozenset({"info", "success", "warning", "critical"})


class Delivery(NamedTuple):
    """One alert on its way to one channel. `state`: pending, delivered, failed, summed_up or dropped."""

    channel: str
    state: str
    error: str


class Word(msgspec.Struct):
    """A line of the guardian's."""

    wall_ns: int
    severity: str
    title: str
    body: str = ""


def word_of(line: bytes) -> tuple[str, Word]:
    """Id and contents of a line of the guardian's. Raises `msgspec.MsgspecError` or `UnicodeDecodeError`."""
    word = msgspec.json.decode(line, type=Word)
    return f"guardian:{word.wall_ns}:{hashlib.sha256(line).hexdigest()[:8]}", word


def guardians(state: Path, most: int) -> list[dict[str, Any]]:
    """The newest of the guardian's own alerts, newest first, shaped as the view's. What cannot be understood is left out."""
    found: dict[str, dict[str, Any]] = {}
    for line in _newest_lines(state / LAST_WORDS):
        with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError):
            name, word = word_of(line)
            severity = word.severity.lower()
            if severity in _SEVERITIES and 0 < word.wall_ns < 2**63:
                priority = PRIORITY.get(severity, "low")
                found[name] = {
                    "alert_id": name, "wall_ns": word.wall_ns, "market_ns": None, "severity": severity,
                    "priority": priority, "title": one_line(word.title, 120),
                    "body": one_line(word.body, 1_500), "tags": [priority], "count": 1,
                }  # fmt: skip
    return sorted(found.values(), key=lambda one: one["wall_ns"], reverse=True)[:most]


def with_guardians(rows: list[dict[str, Any]], state: Path, most: int) -> list[dict[str, Any]]:
    """Alerts of the view and the guardian's own together, the newest `most` of them."""
    both = [*rows, *guardians(state, most)]
    return sorted(both, key=lambda one: int(one.get("wall_ns") or 0), reverse=True)[:most]


def _newest_lines(path: Path) -> list[bytes]:
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _MOST_BYTES))
            data = file.read(_MOST_BYTES)
    except OSError:
        return []
    whole = data[: data.rfind(b"\n") + 1]  # the last line may be half written
    return whole.splitlines()[0 if size <= _MOST_BYTES else 1 :]


def acknowledge(state: Path, alert_id: str) -> None:
    """A person has seen this alert. Saying so twice changes nothing."""
    CommandsDb(state / "commands.db").note_seen(alert_id)


def acknowledged(state: Path, alert_ids: Collection[str]) -> set[str]:
    """Which of these alerts a person has seen."""
    query = "SELECT alert_id FROM acknowledged_alerts WHERE alert_id IN ({})"
    return {row[0] for row in _found(state / "commands.db", query, alert_ids)}


def deliveries(state: Path, alert_ids: Collection[str]) -> dict[str, list[Delivery]]:
    """What became of these alerts, by alert; one that no channel wanted is not among them."""
    query = (
        "SELECT alert_id, channel, state, last_error FROM deliveries WHERE alert_id IN ({}) ORDER BY channel"
    )
    found: dict[str, list[Delivery]] = {}
    for alert_id, *how in _found(state / "deliveries.db", query, alert_ids):
        found.setdefault(alert_id, []).append(Delivery(*how))
    return found


def _found(path: Path, query: str, alert_ids: Collection[str]) -> list[Any]:
    if not path.exists():
        return []
    try:
        with contextlib.closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_LOOK_S)
        ) as db:
            return db.execute(query.format(", ".join("?" * len(alert_ids))), tuple(alert_ids)).fetchall()
    except sqlite3.Error:  # no such table yet, or no such file any more
        return []
