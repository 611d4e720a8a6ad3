"""One venue's budget, shared by every process of this machine through a locked file."""

import contextlib
import fcntl
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import NamedTuple

import msgspec

from organism.errors import BadInput
from organism.lake.fetching.budget import (
    Allowance,
    Budget,
    Granted,
    after_boot,
    blocked,
    reserve,
    settled,
    unknown,
)
from organism.lake.fetching.calls import Call
from organism.lake.fetching.faults import Failed, Fault

FOLDER = "budget"
ALONE, BESIDE_A_BODY = 0.9, 0.5
"""Share of an allowance that a fetch may take: the rest is for others at this address, or for a living body."""
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_PLAIN = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_SOONEST_S, _LONGEST_S = (
    0.005,
    1.0,
)  # between two looks at the file: others' answers make room earlier than foreseen


def _steady_us() -> int:
    # The same in every process, also during suspend, and not moved when somebody sets the wall clock.
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000


def _boot() -> str:
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return "unknown"


class Clock(NamedTuple):
    """The time of day, a clock that only runs, and a wait: handed in, so that a test decides about all three."""

    wall_us: Callable[[], int] = lambda: time.time_ns() // 1_000
    steady_us: Callable[[], int] = _steady_us
    wait: Callable[[float], object] = lambda seconds: Event().wait(seconds)


class SharedBudget:
    """Takes weight from the allowance of one venue, and waits where there is none."""

    def __init__(
        self, folder: Path, venue: str, allowance: Allowance, clock: Clock, *, share: Callable[[], float],
        longest_block_s: float,
    ) -> None:  # fmt: skip
        if not _PLAIN.fullmatch(venue):
            raise BadInput(
                f"A venue that is asked is written in small letters, digits and dashes; was {venue[:40]!r}."
            )
        self.path, self.allowance = folder / f"{venue}.json", allowance
        self._venue, self._clock, self._share = venue, clock, share
        self._longest_block_us = int(longest_block_s * 1e6)

    def take(self, weight: float, call: Call) -> str:
        """Weight for one request; returns its name. Waits outside the deadline of `call`.

        Raises `Failed` when the venue demands a longer wait than we have patience for.
        """
        while True:
            now_us = self._clock.steady_us()
            with self._open() as held:
                held.budget, answer = reserve(held.budget, self.allowance, weight, self._share(), now_us)
            if isinstance(answer, Granted):
                return answer.name
            wait_us = answer.until_us - now_us
            if answer.blocked and wait_us > self._longest_block_us:
                why = f"it asks not to be asked again for {wait_us / 1e6:,.0f} s"
                raise Failed(Fault.BLOCKED, why)
            with call.paused():
                self._clock.wait(min(max(wait_us / 1e6, _SOONEST_S), _LONGEST_S))

    def settle(self, name: str, told: float | None) -> None:
        """The request was answered; `told` is the weight that the venue says it counts."""
        with self._open() as held:
            now_us = self._clock.steady_us()
            held.budget = settled(held.budget, self.allowance, name, now_us, told=told, share=self._share())

    def block(self, seconds: float) -> None:
        """The venue wants nothing for so long: no process asks it."""
        with self._open() as held:
            now_us = self._clock.steady_us()
            held.budget = blocked(held.budget, now_us + int(seconds * 1e6), now_us)

    @contextlib.contextmanager
    def _open(self) -> Iterator["_Held"]:
        """Read, change and write, while no other process or thread does."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise BadInput(
                f"{self.path.parent} holds what venues allow, and cannot be written: {error.strerror}. "
                "Name another state folder with --state."
            ) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            held = _Held(self._read())
            yield held
            fresh = self.path.with_suffix(".new")
            fresh.write_bytes(msgspec.json.encode(held.budget))
            fresh.replace(self.path)  # whole or not at all; after a power cut it is another boot anyway
        finally:
            os.close(lock)

    def _read(self) -> Budget:
        boot, now_us = _boot(), self._clock.steady_us()
        try:
            found = msgspec.json.decode(self.path.read_bytes(), type=Budget)
        except FileNotFoundError:
            return Budget(boot=boot)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return unknown(self.allowance, boot, now_us)
        return found if found.boot == boot else after_boot(found, self.allowance, boot, now_us)


class _Held:
    def __init__(self, budget: Budget) -> None:
        self.budget = budget
