"""The breeder: rounds of evolution on what was lived, one after another, each a function of seed, data and number.

It may be killed at any moment. What it had done of a round is in the checkpoint, the count and the genealogy, as with
`organism evolve`; which round it was is in `round.json`; started again it goes on there, and comes to the same front.
"""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from genome.background.duty import Duty, Stopped
from genome.background.lived import History, JournalOfBars
from genome.background.rounds import Round, Wait, begun, due, seed_of, write_down
from genome.background.told import MOST_DETAIL, Told, heard, tell
from genome.breeding.flat import Flock
from genome.breeding.lexicon import Lexicon
from genome.costs import Costs
from genome.documents import canonical_text
from genome.evolution import checkpoint
from genome.evolution.judge import Local
from genome.evolution.loop import State
from genome.evolution.plan import Plan
from genome.evolution.ports import Scores
from genome.evolution.report import Report
from genome.evolution.workers.pool import joined
from genome.evolve import FAMILY, FOLDER, checkpoint_of, evolve, words_of
from genome.trials.count import Trials, counting
from genome.trials.datasets import Dataset, dataset_of
from genome.trials.packing import packed, unpacked
from organism.errors import BadInput, OrganismError
from organism.market import Instrument
from organism.messages import GenerationBred
from organism.settings import EvolutionSettings, PaperSettings
from organism.trading import BestBred

STORE: Final = "genome.db"
POLL_S: Final = 5.0
AGAIN_S: Final = 30.0  # after a trouble
OURS: Final = "a fault of the breeder itself, see its log: "
GENERATION_S: Final = 1.0  # each ends with syncs, and the body's own wait behind them on the same disk
_PIECE: Final = 32  # genomes judged between two looks at the share of the core
_BPS: Final = 1e-4
log = logging.getLogger("breeder")


@dataclass(frozen=True, slots=True)
class Place:
    """Where and what a breeder breeds.

    state    the state folder: its journal is read, genome.db and the folder evolution are written
    seed     of the organism
    moved    called whenever it got on: whoever watches it knows that it does not hang
    """

    state: Path
    settings: EvolutionSettings
    instruments: tuple[Instrument, ...]
    costs: Costs
    capital: float
    seed: int
    moved: Callable[[], None] = lambda: None


def costs_of(paper: PaperSettings) -> Costs:
    """What trading costs at the paper venue, as the simulator is told it."""
    return Costs(
        taker=paper.taker_fee, maker=paper.maker_fee, slippage=paper.slippage_bps * _BPS,
        half_spread=paper.spread_bps * _BPS / 2.0,
    )  # fmt: skip


@dataclass(slots=True)
class Paced:
    """An evaluator that rests between pieces of a flock. The scores are those of the flock in one piece."""

    inner: Local
    rest: Callable[[], None]

    @property
    def data(self) -> str:
        """As that of the inner."""
        return self.inner.data

    def __call__(self, flock: Flock) -> Scores:
        """Scores of every genome of a flock, in its order. Raises `Stopped`."""
        parts = []
        for begin in range(0, max(1, len(flock)), _PIECE):
            parts.append(self.inner(flock.take(np.arange(begin, min(begin + _PIECE, len(flock))))))
            self.rest()
        return joined(parts)


@dataclass(slots=True)
class Breeder:
    """One life of it.

    wait     waits so many seconds; true at once where it is told to end
    has_room whether this process is still small enough; where it is not, it ends and another goes on
    """

    place: Place
    duty: Duty
    wait: Callable[[float], bool]
    has_room: Callable[[], bool] = lambda: True
    now_s: Callable[[], float] = time.monotonic
    history: History = field(init=False)
    _bars: JournalOfBars = field(init=False)
    _told: Told = field(init=False, default=Told(phase="waiting"))
    _generation_s: float = field(init=False, default=0.0)
    _failed: str = field(init=False, default="")

    def __post_init__(self) -> None:
        """Nothing is read yet, but why the one before ended: until a generation is bred, this one may end alike."""
        self.history = History(self.place.settings.most_bars)
        self._bars = JournalOfBars(self.place.state)
        with suppress(BadInput):
            before = heard(self.folder)
            if before is not None and before.phase == "troubled" and before.detail.startswith(OURS):
                self._failed = before.detail

    @property
    def folder(self) -> Path:
        """Where rounds, checkpoints and the word to the body lie."""
        return self.place.state / FOLDER

    def live(self) -> None:
        """Breed whenever a round is due, until told to end or grown too large. Raises `Stopped`."""
        while self.has_room():
            try:
                wait_s = self.turn()
            except OrganismError as error:
                self._say(phase="troubled", detail=str(error))
                log.warning("breeding is hindered, and tried again in %g s: %s", AGAIN_S, error)
                wait_s = AGAIN_S
            except Stopped:
                raise
            except Exception as error:  # the process ends with it, and the next one must not seem to be well
                self._say(phase="troubled", detail=f"{OURS}{type(error).__name__}: {error}"[:MOST_DETAIL])
                raise
            if wait_s and self.wait(wait_s):
                raise Stopped

    def turn(self) -> float:
        """Read on, and breed one round where one is due; seconds until the next turn."""
        self._bars.more(self.history, self._rest)
        last = begun(self.folder)
        found = due(self.history, last, self.place.settings)
        if isinstance(found, Wait):
            self._say(phase="waiting" if last is None else "resting", needed=found.bars)
            return POLL_S
        if found != last:
            write_down(self.folder, found)
        self._breed(found)
        return 0.0

    # ------------------------------------------------------------------ a round

    def _breed(self, one: Round) -> None:
        place, wanted = self.place, self.place.settings
        markets = self.history.markets(one.span, place.instruments)
        try:
            judge = Local(markets, place.costs, place.capital, None, wanted.min_trades, threads=1)
        except BadInput as error:  # too few days, above all: more bars may help
            self._end(one, None, str(error))
            return
        words, seeds = words_of(markets)
        dataset = dataset_of(markets, judge.data)
        plan = Plan(
            population=wanted.population, generations=wanted.generations, islands=wanted.islands,
            seed=seed_of(place.seed, one.number),
        )  # fmt: skip
        saved = checkpoint_of(place.state, plan, judge.data)
        with counting(place.state / STORE) as trials:
            watch = _Watch(one, plan, trials, dataset, self._generation, self.now_s)
            self._say(phase="troubled" if self._failed else "breeding", detail=self._failed)
            resume = self._can_resume(one, saved, plan, judge.data, words)
            try:
                evolve(
                    plan, Paced(judge, self._rest), words, seeds, trials=trials, dataset=dataset, saved=saved, resume=resume,
                    watch=watch,
                )  # fmt: skip
            except MemoryError:
                self._end(
                    one, saved, f"round {one.number} needed more memory than there is; it was given up."
                )
                return
        self._end(one, saved, "")

    def _can_resume(self, one: Round, saved: Path, plan: Plan, data: str, words: Lexicon) -> bool:
        """Whether there is a checkpoint to go on from. One that cannot be read is removed: it is this round's alone."""
        if not saved.exists():
            return False
        try:
            checkpoint.load(saved, plan, data, words)
        except BadInput as error:
            log.warning("round %d begins anew: %s", one.number, error)
            saved.unlink()
            return False
        return True

    def _generation(self, bred: GenerationBred) -> None:
        self._failed = ""
        self._say(phase="breeding", bred=bred)
        self._rest()
        if self.wait(max(0.0, self._generation_s + GENERATION_S - self.now_s())):
            raise Stopped
        self._generation_s = self.now_s()
        if not self.has_room():
            raise Stopped

    def _end(self, one: Round, saved: Path | None, detail: str) -> None:
        write_down(self.folder, msgspec.structs.replace(one, done=True))
        if saved is not None:
            saved.unlink(missing_ok=True)
        self._say(phase="resting", detail=detail)

    def _rest(self) -> None:
        self.place.moved()
        self.duty.rest()

    def _say(self, **news: object) -> None:
        self.place.moved()
        self._told = msgspec.structs.replace(self._told, **({"needed": 0, "detail": ""} | news))
        try:
            tell(self.folder, self._told)
        except OSError as error:
            log.warning("what was bred could not be told: %s", error)


@dataclass(slots=True)
class _Watch:
    """Sums a generation up for the body."""

    one: Round
    plan: Plan
    trials: Trials
    dataset: Dataset
    say: Callable[[GenerationBred], None]
    now_s: Callable[[], float]
    evaluated: int = 0
    began_s: float = field(init=False)

    def __post_init__(self) -> None:
        """The clock of the rate begins."""
        self.began_s = self.now_s()

    def __call__(self, state: State, report: Report) -> None:
        """A generation is over, and all of it on disk."""
        self.evaluated += report.evaluated
        self.say(GenerationBred(
            round=self.one.number, generation=state.generation, generations=self.plan.generations,
            bars=self.one.bars, until_ns=self.one.until_ns,
            evaluations_per_s=round(self.evaluated / max(self.now_s() - self.began_s, 1e-9), 1),
            evaluated=self.evaluated, front=len(state.hall), trials=self.trials.total(self.dataset),
            best=best_of(state),
        ))  # fmt: skip


def best_of(state: State) -> BestBred | None:
    """The highest Sharpe ratio in the hall of fame."""
    hall = state.hall
    if not len(hall):
        return None
    i = int(np.argmax(hall.worth.values[:, 0]))
    genome = unpacked(packed(hall.flock, i), FAMILY, int(hall.born[i]))
    sharpe, consistency, drawdown, turnover = hall.worth.values[i].tolist()
    return BestBred(
        genome_id=genome.genome_id, family=genome.family, parameters=genome.genes, text=canonical_text(genome),
        sharpe=sharpe, consistency=consistency, max_drawdown=-drawdown, turnover=-turnover,
        trades=float(hall.worth.trades[i]),
    )  # fmt: skip
