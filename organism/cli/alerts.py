"""`organism alerts test|list|ack`: can the channels be reached, and what was said to whom."""

import sqlite3
from pathlib import Path
from typing import Any

from organism.cli.context import emit, settings, state_folder
from organism.cli.parser import Options
from organism.commands import CommandsDb
from organism.errors import BadInput
from organism.view.reader import ViewReader


def perform(options: Options) -> int:
    """Do what was asked."""
    if options.action == "test":
        return _test(options)
    if options.action == "list":
        return _list(options)
    return _acknowledge(options)


def _test(options: Options) -> int:
    from organs.voice.sender.trial import test_channels

    results = test_channels(settings(options).settings, options.channel)
    if options.json:
        emit([{"channel": name, "arrived": ok, "detail": detail} for name, ok, detail in results])
    else:
        for name, ok, detail in results:
            print(f"{'arrived' if ok else 'FAILED '}  {name}: {detail}")
        if not results:
            print(
                f"No channel carries the tag {options.channel!r}. Alerts show in the dashboard and the log only; "
                f"add channels to [voice] in organism.toml."
            )
    return 0 if results and all(ok for _, ok, _ in results) else 1


def _list(options: Options) -> int:
    state = state_folder(options)
    rows = ViewReader(state / "view.db").table("alerts", 50)
    acknowledged = _acknowledged(state)
    sent = _deliveries(state)
    for row in rows:
        row["acknowledged"] = row["alert_id"] in acknowledged
        row["deliveries"] = sent.get(row["alert_id"], {})
    if options.json:
        emit(rows)
        return 0
    for row in rows:
        mark = " " if row["acknowledged"] else "●"
        reached = (
            ", ".join(f"{channel} {how}" for channel, how in row["deliveries"].items()) or "dashboard only"
        )
        print(f"{mark} {row['alert_id']:<10} {row['severity']:<9} {row['title']}  [{reached}]")
        print(f"{'':13}{row['body']}")
    if not rows:
        print("Nothing was said yet.")
    return 0


def _acknowledge(options: Options) -> int:
    if not options.id:
        raise BadInput("alerts ack wants the id of an alert; see `organism alerts list`.")
    state = state_folder(options)
    known = {row["alert_id"] for row in ViewReader(state / "view.db").table("alerts", 10_000)}
    if options.id not in known:
        raise BadInput(f"There is no alert {options.id!r}; see `organism alerts list`.")
    with _commands(state) as db:
        db.execute("INSERT OR IGNORE INTO acknowledged_alerts(alert_id) VALUES (?)", (options.id,))
    print(f"Acknowledged {options.id}.")
    return 0


def _commands(state: Path) -> sqlite3.Connection:
    """Commands.db takes many short writers; acknowledgements are a person's words, too."""
    CommandsDb(state / "commands.db").waiting()  # makes it, private, when it is not there yet
    db = sqlite3.connect(state / "commands.db", timeout=5.0)
    db.execute("CREATE TABLE IF NOT EXISTS acknowledged_alerts(alert_id TEXT PRIMARY KEY) STRICT")
    return db


def _acknowledged(state: Path) -> set[str]:
    if not (state / "commands.db").exists():
        return set()
    with _commands(state) as db:
        return {row[0] for row in db.execute("SELECT alert_id FROM acknowledged_alerts")}


def _deliveries(state: Path) -> dict[str, dict[str, Any]]:
    path = state / "deliveries.db"
    found: dict[str, dict[str, Any]] = {}
    if path.exists():
        db = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=1.0)
        try:
            for alert, channel, how in db.execute("SELECT alert_id, channel, state FROM deliveries"):
                found.setdefault(alert, {})[channel] = how
        except sqlite3.DatabaseError:  # the sender has not made its tables yet
            return {}
        finally:
            db.close()
    return found
