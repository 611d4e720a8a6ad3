"""One fault tried many times on one organism, and what the judge said afterwards."""

import random
import tempfile
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from organism.chaos.habitat import Habitat, NotBack, habitat
from organism.chaos.outcome import Losses, Outcome, percentile
from organism.chaos.verdict import judged
from organism.errors import OrganismError
from organism.verify.report import VerifyReport

Tell = Callable[[str], None]
Homes = Callable[..., AbstractContextManager[Habitat]]
"""As `habitat`: from a folder, settings, speed, dashboard and seed to somebody who lives there."""
Judges = Callable[[Path], tuple[Losses, VerifyReport]]
"""As `judged`: what an audit of a state folder found."""
WAY = "process"
SHOWN = 3  # findings of the judge that a note repeats


@dataclass
class Tally:
    """What is counted while a fault is tried.

    seen        how often it was seen to happen
    detection_s, serving_s, recovery_s   as in an `Outcome`
    wrong       promises that were broken otherwise than in the books, each in a sentence
    """

    tried: int = 0
    seen: int = 0
    detection_s: list[float] = field(default_factory=list)
    serving_s: list[float] = field(default_factory=list)
    recovery_s: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def back(self, serving_s: float, trading_s: float) -> None:
        """It serves again, and trades again, so long after the fault."""
        self.serving_s.append(serving_s)
        self.recovery_s.append(trading_s)


@dataclass(frozen=True)
class Campaign:
    """A fault of the catalogue, and how it is tried.

    fault      id
    title      the way in words, shown beside it in the table
    strike     tries the fault once, or, with `times`, so often; a random generator decides the moments
    settings   beside those that every campaign has
    armed      a named point that every body of the campaign dies at, as `CrashPoints` reads it
    """

    fault: str
    title: str
    strike: Callable[[Habitat, random.Random, Tally], None]
    times: int
    settings: tuple[str, ...] = ()
    dashboard: bool = False
    armed: str = ""
    speed: str = "60000"


def conduct(
    campaign: Campaign, seed: int, tell: Tell, *, homes: Homes = habitat, judge: Judges = judged
) -> Outcome:
    """Start an organism on a folder of its own, strike, stop it in order, and have the books judged.

    homes, judge   who lives there, and who audits the folder afterwards; given by tests alone
    """
    tally, chance = Tally(), random.Random(seed)
    tell(f"{campaign.fault} {campaign.title}, {campaign.times} times")
    with tempfile.TemporaryDirectory(prefix="chaos-", ignore_cleanup_errors=True) as folder:
        with homes(
            Path(folder), *campaign.settings, speed=campaign.speed, dashboard=campaign.dashboard, seed=seed
        ) as home:
            try:
                home.start(campaign.armed)
                if not campaign.armed:
                    home.trades(3)
                for _ in range(campaign.times):
                    tally.tried += 1
                    campaign.strike(home, chance, tally)
                _ended(home, tally, armed=bool(campaign.armed))
            except NotBack as error:
                tally.wrong.append(str(error))
        found = _outcome(campaign, seed, tally, partial(judge, home.state))
    tell(_told(found))
    return found


def conduct_all(campaigns: Iterable[Campaign], seed: int, tell: Tell) -> list[Outcome]:
    """Each in turn; seeds count up, so that one campaign can be repeated alone."""
    return [conduct(campaign, seed + n, tell) for n, campaign in enumerate(campaigns)]


def _told(found: Outcome) -> str:
    loss = found.losses
    counts = f"{loss.lost}/{loss.duplicate}/{loss.phantom}/{loss.untracked}, {loss.breaches} breaches"
    times = "".join(
        f", {name} {percentile(values, 0.5):.2f} s, longest {max(values):.2f} s"
        for name, values in (
            ("noticed", found.detection_s),
            ("serving", found.serving_s),
            ("trading", found.recovery_s),
        )
        if values
    )
    return f"  seen {found.seen} of {found.tried}, lost/duplicate/phantom/untracked {counts}{times}"


def _ended(home: Habitat, tally: Tally, *, armed: bool) -> None:
    """Live on a little, unarmed, and stop in order: only then may nothing be under way."""
    if armed:
        home.kill_all()
    if home.guardian is not None and home.guardian.poll() is not None:
        home.start()
    home.trades(3)
    code, _ = home.stop()
    if code:
        tally.wrong.append(f"the last orderly stop ended with status {code}")


def _outcome(
    campaign: Campaign, seed: int, tally: Tally, judge: Callable[[], tuple[Losses, VerifyReport]]
) -> Outcome:
    notes = [campaign.title]
    try:
        found, report = judge()
        notes += [finding.text for finding in report.findings[:SHOWN]]
        notes += [f"{p.invariant} is broken" for p in report.invariants if p.holds is False]
    except (OrganismError, OSError) as error:
        found = Losses(breaches=1)
        notes.append(f"could not be judged: {error}")
    found += Losses(breaches=len(tally.wrong))
    return Outcome(
        campaign.fault, WAY, tally.tried, tally.seen, found, tuple(tally.detection_s), tuple(tally.recovery_s),
        (seed,), "; ".join((*notes, *tally.wrong[:SHOWN])), tuple(tally.serving_s),
    )  # fmt: skip
