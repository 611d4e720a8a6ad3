"""Hurting a paper organism that runs, and watching it heal: what each drill does, and how one sees what came of it."""

import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from organism.body.anatomy import ORGANS
from organism.body.drills import order
from organism.chaos.habitat import NotBack, until
from organism.effects import Publish
from organism.errors import BadInput
from organism.guardian.lock import read_note
from organism.journal.reader import newest, read_rows
from organism.journal.rows import decode_effects, decode_envelope
from organism.messages import FeedReported, FeedStalled, OrganRestarted
from organism.processes import lives
from organism.status import status

Say = Callable[[str], None]
FREEZE_S = 2.0
HEALED_S = 90.0  # longest wait: a silent feed is tended to every half minute
GOES_ON = "bars are decided on again"


@dataclass(frozen=True, slots=True)
class Drill:
    """A fault of the catalogue that a person may cause.

    who    a process of the organism, "organ" or "feed"
    how    a signal, or what a body is told (`organism.body.drills.Ordered`)
    """

    fault: str
    what: str
    who: str
    how: str


DRILLS: Final[Mapping[str, Drill]] = {
    "kill-organ": Drill("A1", "an organ fails in its next step (--organ, default brain)", "organ", "raise"),
    "hang-organ": Drill("A6", "an organ's next step does not end (--organ, default brain)", "organ", "hang"),
    "kill-body": Drill("A10", "SIGKILL to the body", "body", "SIGKILL"),
    "freeze-body": Drill("A12", "SIGSTOP to the body: it stands still and is not dead", "body", "SIGSTOP"),
    "stop-body": Drill("A13", "SIGTERM to the body alone: it ends in order, unasked", "body", "SIGTERM"),
    "kill-venue": Drill("A10", "SIGKILL to the paper venue's process", "venue", "SIGKILL"),
    "kill-sender": Drill("A10", "SIGKILL to the sender of alerts", "sender", "SIGKILL"),
    "kill-dashboard": Drill("A10", "SIGKILL to the page's own process", "dashboard", "SIGKILL"),
    "kill-feed": Drill("D3", "the feed fails, as by a lost connection", "feed", "die"),
    "drop-feed": Drill("D1", "the feed falls silent and seems well", "feed", "stall"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Healed:
    """What came of a drill. Seconds since the fault; None where it did not come about in time."""

    drill: str
    fault: str
    done: str
    noticed: str
    noticed_s: float | None
    healed_s: float | None


def perform(name: str, state: Path, organ: str, say: Say, limit_s: float = HEALED_S) -> Healed:
    """Hurt the organism on a state folder, and watch until it has healed, `limit_s` at most.

    Raises `BadInput` where nothing runs, where real money is at stake, and for what this organism does not have.
    """
    drill = DRILLS.get(name)
    if drill is None:
        raise BadInput(
            f"there is no drill {name!r}. Known are {', '.join(DRILLS)}; see `organism drill --list`."
        )
    if organ not in ORGANS:
        raise BadInput(f"--organ must be one of {', '.join(ORGANS)}; was {organ!r}.")
    before = fit(state)
    patient: _Inside | _Process
    patient = _Inside(state, drill, organ) if drill.who in {"organ", "feed"} else _Process(state, drill)
    said = f"{drill.fault}: {patient.strike()}"
    began = time.monotonic()
    say(f"hurt     0.00 s  {said}")
    noticed_s = _waited(patient.noticed, began, limit_s)
    if noticed_s is None:
        say(f"nobody noticed within {limit_s:g} s")
        return Healed(drill=name, fault=drill.fault, done=said, noticed="", noticed_s=None, healed_s=None)
    say(f"noticed {noticed_s:5.2f} s  {patient.notice}")
    at_ns = status(state)["body"].get("market_ns") or before["body"]["market_ns"] or 0
    healed_s = _waited(lambda: patient.serves() and _goes_on(state, at_ns), began, limit_s)
    say(
        f"healed  {healed_s:5.2f} s  {GOES_ON}"
        if healed_s is not None
        else f"not healed within {limit_s:g} s"
    )
    return Healed(
        drill=name,
        fault=drill.fault,
        done=said,
        noticed=patient.notice,
        noticed_s=noticed_s,
        healed_s=healed_s,
    )


def fit(state: Path) -> dict[str, Any]:
    """How it is, if it may be hurt. Raises `BadInput` if not."""
    found = status(state)
    if not found["running"]:
        raise BadInput(
            f"nothing that could be hurt runs on {state}; it is {found['mode']}. Start it with `organism start`, then "
            "drill it."
        )
    mode, venue = found["body"].get("mode"), found["body"].get("venue")
    if mode != "paper" or venue != "paper":
        raise BadInput(
            f"a drill hurts paper organisms only; the one on {state} was in mode {mode!r} at venue {venue!r}. Start "
            "another on a folder of its own: `organism start --state drill`."
        )
    return found


def _waited(claim: Callable[[], bool], began: float, limit_s: float) -> float | None:
    try:
        until(claim, "it", limit_s)
    except NotBack:
        return None
    return time.monotonic() - began


def _goes_on(state: Path, after_ns: int) -> bool:
    """Whether a body that lives has decided on a later bar."""
    found = status(state)
    return bool(found["running"]) and (found["body"].get("market_ns") or 0) > after_ns


class _Process:
    """A process of the organism, hurt by a signal. Noticed when the guardian has started another."""

    def __init__(self, state: Path, drill: Drill) -> None:
        self._state, self._drill = state, drill
        self.notice = f"the guardian has started another {drill.who}"
        self._pid = self._now()
        if not self._pid:
            raise BadInput(f"this organism has no {drill.who} of its own to hurt. {_MISSING[drill.who]}")

    def strike(self) -> str:
        """Send the signal; what was done. The process cannot be mistaken for another with the same number."""
        try:
            handle = os.pidfd_open(self._pid)
            try:
                if self._now() != self._pid:
                    raise ProcessLookupError
                signal.pidfd_send_signal(handle, signal.Signals[self._drill.how])
            finally:
                os.close(handle)
        except ProcessLookupError:
            raise BadInput(f"the {self._drill.who} has just ended by itself. Try again.") from None
        return f"{self._drill.how} to the {self._drill.who}, process id {self._pid}"

    def noticed(self) -> bool:
        """Whether another one was started."""
        return self._now() not in {0, self._pid}

    def serves(self) -> bool:
        """Whether that one lives; of a body, whether what the folder shows comes from it."""
        pid = self._now()
        return lives(pid) and (self._drill.who != "body" or status(self._state)["body"].get("pid") == pid)

    def _now(self) -> int:
        pid = read_note(self._state).get("children", {}).get(self._drill.who, 0)
        return pid if isinstance(pid, int) else 0


_MISSING: Final = {
    "body": "See `organism status`.",
    "venue": "The paper venue lives in the body; start with `--set paper.separate_process=true`.",
    "sender": "It is started when [voice] has channels.",
    "dashboard": "It is started unless --no-dashboard is given.",
}


_TOLD: Final = {
    "raise": "{} is made to fail in its next step",
    "hang": "{} is made to hang in its next step",
    "die": "the feed is made to fail",
    "stall": "the feed is made to fall silent",
}


class _Inside:
    """An organ or the feed, hurt by the body itself. Noticed when the journal says so."""

    def __init__(self, state: Path, drill: Drill, organ: str) -> None:
        self._state, self._drill, self._organ = state, drill, organ
        self._seq = newest(state)
        self.notice = ""

    def strike(self) -> str:
        """Tell the body; what was done."""
        order(self._state, self._drill.how, self._organ)
        return _TOLD[self._drill.how].format(self._organ)

    def noticed(self) -> bool:
        """Whether the journal tells of it since."""
        for row in read_rows(self._state, self._seq):
            self._seq = row.seq
            heard = decode_envelope(row.input).message if row.input else None
            if self._drill.who == "organ":
                if type(heard) is OrganRestarted and heard.organ == self._organ:
                    self.notice = f"{heard.organ} {heard.why}; incarnation {heard.incarnation} serves"
            elif type(heard) is FeedReported and heard.condition == "failed":
                self.notice = f"feed {heard.feed} failed: {heard.detail}"
            else:
                told = (e.message for e in decode_effects(row.effects) if isinstance(e, Publish))
                for message in told:
                    if type(message) is FeedStalled:
                        self.notice = f"feed {message.feed} stalled, {message.reason}; entries stop"
        return bool(self.notice)

    def serves(self) -> bool:
        """Whether who was hurt is well."""
        if self._drill.who == "feed":
            return True  # a later bar is the proof
        organs = status(self._state)["organs"]
        return any(o["name"] == self._organ and o["state"] == "running" for o in organs)
