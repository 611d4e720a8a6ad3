"""Machine: is the house sound? Processes, memory, mailboxes, restarts, messages set aside."""

import contextlib
import os
from collections.abc import Callable
from typing import Any

import psutil

from dashboard import figures
from dashboard.glimpse import Row
from dashboard.pages import journal, logged, shapes
from dashboard.pages.asked import Asked
from dashboard.pages.parts import block, page, row
from dashboard.pages.shapes import Cell, Piece
from dashboard.pages.shared import between_s, counted, lasted, reborn, times, told
from dashboard.sentence import Sentence
from dashboard.sight import Sight
from organism.guardian.lock import read_note
from organism.processes import lives

ORGAN_TONE = {
    "running": "good",
    "starting": "watch",
    "restarting": "watch",
    "fenced": "act",
    "stopped": "act",
    "failed": "act",
}
_GROWING = 1.0  # MB a minute that are worth a word
_WAKING_S = 900.0  # for so long growing is part of waking: caches and histories fill
_DEEP = 50  # messages waiting that are worth a word
_TRACE = 6_000  # characters of a traceback


def skeleton() -> Any:
    """The page without its contents."""
    return page("machine", [
        block("The body on this machine", "machine-figures", "facts", "Measured once a second while the body lives."),
        block("Organs and their mailboxes", "machine-organs", "table", "Organs appear when the body lives."),
        row(block("Processes", "machine-processes", "table", "Processes appear when the body lives.", "half"),
            block("Invariants", "machine-invariants", "facts", "Invariants are judged while the body lives.", "half")),
        block("Restarts", "machine-restarts", "table", "No organ was restarted."),
        block("Messages set aside", "machine-letters", "events", "No message was set aside. One that an organ fails on twice appears here, with its traceback."),
        block("Messages between organs", "machine-flow", "table", "Counted from the journal; appears once that was read.",
              aside="in the last hour of the market"),
        block("Journal", "machine-choices", "chips", "What organs said and did can be narrowed here once the journal was read.", "heads"),
        block("Events", "machine-events", "table", "Nothing of this kind is known.", aside="newest first"),
        block("Log", "machine-log", "table", "Nothing of this kind was logged.", aside="newest first, narrowed as the journal is"),
    ])  # fmt: skip


def speaks(sight: Sight, _: Asked) -> Sentence:
    """Whether the house is sound."""
    if first := told(sight):
        return first
    organs, machine = sight.glimpse.rows("organs"), sight.part("machine")
    broken = [str(one["name"]) for one in organs if one.get("state") != "running"]
    deep = [str(one["name"]) for one in organs if (figures.number(one.get("mailbox_depth")) or 0) > _DEEP]
    slope = figures.number(machine.get("memory_slope_mb_min"))
    restarts = sum(int(one.get("restarts") or 0) for one in organs)
    text = (f"{len(organs)} organs, {counted(restarts, 'restart')}, {figures.plain(machine.get('memory_mb'), 0)}{figures.THIN}MB "
            f"of memory, {figures.percent(machine.get('cpu'), 0)} of a core.")  # fmt: skip
    if n := reborn(sight):
        text += f" Its guardian started the body anew {times(n)}."
    if broken:
        return Sentence(lead="Something is being mended:", text=f"{figures.listed(broken)}. {text}", tone="act",
                        need="The supervisor replaces what it can; if this stays, type `./run doctor`.")  # fmt: skip
    if deep:
        return Sentence(
            lead="Falling behind:",
            text=f"messages pile up at {figures.listed(deep)}. {text}",
            need="",
            tone="watch",
        )
    if _grows(sight, slope):
        return Sentence(lead="Memory grows:", text=f"{figures.plain(slope)}{figures.THIN}MB a minute. {text}", tone="watch",
                        need="If it goes on for an hour, type `./run stop` and `./run start`, and keep state/log.")  # fmt: skip
    return Sentence(lead="The house is sound.", text=text, need="", tone="good")


def pieces(asked: Asked, sight: Sight) -> dict[str, Callable[[], Any]]:
    """What the page shows, each made when it is asked for."""
    return {
        "machine-figures": lambda: measured(sight),
        "machine-processes": lambda: processes(sight),
        "machine-organs": lambda: organs(sight),
        "machine-restarts": lambda: restarts(sight),
        "machine-invariants": lambda: invariants(sight),
        "machine-letters": lambda: letters(sight),
        "machine-flow": lambda: journal.flow(sight),
        "machine-choices": lambda: journal.choices(asked, sight),
        "machine-events": lambda: journal.events(asked, sight),
        "machine-log": lambda: logged.lines(asked, sight),
    }


def _grows(sight: Sight, slope: float | None) -> bool:
    """Whether memory grows as it should not: everybody grows while they wake."""
    body = sight.part("body")
    lived_s = between_s(body.get("started_wall_ns"), sight.now_ns)
    return slope is not None and slope > _GROWING and lived_s is not None and lived_s > _WAKING_S


def measured(sight: Sight) -> Piece:
    """What the body uses."""
    machine = sight.part("machine")
    if not machine:
        return {}
    disk = figures.number(machine.get("disk_free_mb"))
    growth = figures.plain(machine.get("memory_slope_mb_min"), 2, signed=True)
    slope = figures.number(machine.get("memory_slope_mb_min"))
    return shapes.facts([
        ("Processor", figures.percent(machine.get("cpu"), 0), "of one core, by the body"),
        ("Memory", f"{figures.plain(machine.get('memory_mb'), 0)}{figures.THIN}MB", "resident, by the body"),
        ("Growth", growth if growth == figures.DASH else f"{growth}{figures.THIN}MB/min",
         "known after some minutes" if slope is None else "of memory", "warn" if _grows(sight, slope) else ""),
        ("Threads", figures.plain(machine.get("threads"), 0), "in the body"),
        ("Descriptors", figures.plain(machine.get("descriptors"), 0), f"{figures.percent(machine.get('descriptor_share'))} of what it may open"),
        ("Disk free", figures.DASH if disk is None else f"{disk / 1024:,.1f}{figures.THIN}GB", "where state lives"),
        ("Load", figures.plain(machine.get("load"), 2), "of the machine, one minute"),
    ])  # fmt: skip


def processes(sight: Sight) -> Piece:
    """The processes of the organism that are known here: the guardian with its children, and this one."""
    note = read_note(sight.state)
    children = note.get("children")
    pids: dict[str, object] = {"guardian": note.get("pid"), "body": sight.part("body").get("pid")}
    pids |= children if isinstance(children, dict) else {}
    rows = [
        (str(name), _process(str(name), pid, sight.now_ns))
        for name, pid in (pids | {"dashboard": os.getpid()}).items()
        if isinstance(pid, int) and not isinstance(pid, bool) and pid > 0
    ]
    heads = [shapes.head("Process"), shapes.head("Number", num=True, low=True), shapes.head("State"), shapes.head("For", num=True),
             shapes.head("Memory", num=True)]  # fmt: skip
    return shapes.table(heads, rows)


def _process(name: str, pid: int, now_ns: int) -> list[Cell]:
    lived_s, size = None, None
    runs = lives(pid)
    if runs:
        with contextlib.suppress(psutil.Error, OSError):
            process = psutil.Process(pid)
            lived_s, size = max(0.0, now_ns / 1e9 - process.create_time()), process.memory_info().rss / 2**20
    shown = figures.DASH if size is None else f"{figures.plain(size, 0)}{figures.THIN}MB"
    return [
        shapes.text(name, strong=True), shapes.number(str(pid), pid, tone="muted"),
        shapes.tag("runs" if runs else "gone", "good" if runs else "act"),
        lasted(lived_s), shapes.number(shown, None if size is None else round(size, 1)),
    ]  # fmt: skip


def organs(sight: Sight) -> Piece:
    """Each organ: how it is, what waits at it, and for how long the oldest has."""
    heads = [
        shapes.head("Organ"), shapes.head("State"), shapes.head("Waiting", num=True, low=True, says="messages in its mailbox"),
        shapes.head("Oldest", num=True, low=True, says="age of the oldest of them"),
        shapes.head("In hand", num=True, low=True, says="time spent on the message in hand"),
        shapes.head("Steps", num=True, low=True, says="messages handled in its life"),
        shapes.head("Conflated", num=True, low=True, says="messages that a newer one replaced unread"),
        shapes.head("Restarts", num=True), shapes.head("Beat", num=True, says="since it last showed life"),
        shapes.head("Last error", low=True),
    ]  # fmt: skip
    return shapes.table(
        heads, [(str(one["name"]), _organ(one, alive=sight.is_alive)) for one in sight.glimpse.rows("organs")]
    )


def _organ(one: Row, *, alive: bool) -> list[Cell]:
    state = str(one.get("state") or "unknown") if alive else "unknown"
    depth = figures.number(one.get("mailbox_depth")) or 0.0
    busy = figures.number(one.get("busy_s")) or 0.0
    error = str(one.get("last_error") or "")
    return [
        shapes.text(one["name"], strong=True),
        shapes.tag(state, ORGAN_TONE.get(state, "quiet"), f"incarnation {one.get('incarnation')}"),
        shapes.number(figures.plain(depth, 0), depth, tone="warn" if depth > _DEEP else ""),
        shapes.number(
            figures.span(one.get("oldest_s")) if depth else figures.DASH,
            one.get("oldest_s") if depth else None,
        ),
        shapes.number(figures.span(busy) if busy else "idle", busy, tone="" if busy else "muted"),
        shapes.number(figures.plain(one.get("step"), 0), one.get("step")),
        shapes.number(figures.plain(one.get("conflated"), 0), one.get("conflated")),
        shapes.number(
            figures.plain(one.get("restarts"), 0),
            one.get("restarts"),
            tone="warn" if one.get("restarts") else "",
        ),
        shapes.number(figures.age(one.get("beat_age_s")), one.get("beat_age_s"), tone="muted"),
        shapes.text(error[:120], title=error, tone="muted", wrap=True),
    ]


def restarts(sight: Sight) -> Piece:
    """Who was restarted, when and why."""
    found = sight.rows("SELECT * FROM restarts ORDER BY id DESC LIMIT 60")
    rows = [
        (str(one["id"]), [shapes.moment(one.get("wall_ns"), ago=True), shapes.text(one["organ"], strong=True),
                          shapes.number(f"{one.get('incarnation')}", one.get("incarnation")), shapes.text(str(one.get("why") or "")[:160], wrap=True)])
        for one in found
    ]  # fmt: skip
    return shapes.table(
        [
            shapes.head("When"),
            shapes.head("Organ"),
            shapes.head("Life", num=True, says="its incarnation since"),
            shapes.head("Why"),
        ],
        rows,
    )


def invariants(sight: Sight) -> Piece:
    """What must always hold, and whether it did."""
    found = sight.part("invariants")
    if not found:
        return {}
    broken = found.get("broken") or {}
    judged = found.get("judged") or {}
    n_broken = sum(int(n) for n in broken.values()) if isinstance(broken, dict) else 0
    cells: list[tuple[str, str, str] | tuple[str, str, str, str]] = [
        ("Broken", figures.plain(n_broken, 0), figures.listed(sorted(map(str, broken))) if broken else "none", "warn" if n_broken else ""),
        ("Judged", figures.plain(sum(int(n) for n in judged.values()), 0), f"by {len(judged)} rules"),
        ("Behind", figures.plain(found.get("behind"), 0), "steps not judged yet"),
    ]  # fmt: skip
    if found.get("trouble"):
        cells.append(("Trouble", "yes", str(found["trouble"])[:160], "warn"))
    return shapes.facts(cells)


def letters(sight: Sight) -> Piece:
    """Messages that were set aside, each with its traceback."""
    found = sight.rows("SELECT * FROM dead_letters ORDER BY id DESC LIMIT 20")
    return shapes.events(
        (
            (str(one["id"]), shapes.event(one.get("wall_ns"), f"{one.get('organ')} set a {one.get('message')} aside",
                                          str(one.get("why") or ""), "act", trace=str(one.get("traceback") or "")[-_TRACE:]))
            for one in found
        ),
        wall=True,
    )  # fmt: skip
