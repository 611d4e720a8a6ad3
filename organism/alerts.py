"""What is known of an alert beside its words: whether a person has seen it, and which channels it reached.

That it was seen is a person's word, kept beside the operator's commands; what became of it on its way is kept by
the sender. Reading either changes nothing, and a file that is not there, or is busy, only means that nothing is known.
"""

import contextlib
import sqlite3
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

from organism.commands import CommandsDb

_LOOK_S = 0.25  # longest wait for a busy file


class Delivery(NamedTuple):
    """One alert on its way to one channel. `state`: pending, delivered, failed, summed_up or dropped."""

    channel: str
    state: str
    error: str


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
