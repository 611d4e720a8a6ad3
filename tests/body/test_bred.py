"""A body that lives by bred genomes: what lockstep decides, and what replay decides again."""

import itertools
import json

import msgspec
import numpy as np
import pytest

from genome.checking import check
from genome.compiled import compiled
from genome.documents import canonical_text
from genome.founders import FAMILIES
from genome.genome import Genome
from genome.grammar import parse_condition
from genome.lived import warm
from genome.store import GenomeStore
from organism.body import anatomy, ready
from organism.body.lockstep import assemble
from organism.cli import run
from organism.core import OrganCore
from organism.effects import Publish
from organism.journal.port import MemoryJournal
from organism.journal.reader import read_rows
from organism.journal.rows import decode_effects
from organism.messages import ExposureTargeted, Recovered
from organs.brain.state import BrainState, Funded
from organs.motor.paper.book import PaperTruth
from organs.nervous.feeds import instants
from organs.reproduction.bred import funded, stored
from organs.reproduction.core import ReproductionState
from tests.body.alive import living
from tests.body.waiting import until

N_BARS = 700
SERIES = (
    "ema({n})",
    "sma({n})",
    "close",
    "lowest(low, {n})",
    "highest(high, {n})",
    "sma(typical, {n}) * 1.001",
)
LEVELS = (
    "rsi({n}) > {level}",
    "rsi({n}) < {level}",
    "zscore(close, {n}) > 0.3",
    "volume_ratio({n}) > 0.6",
    "hour < 20",
)


def grown(rng, depth):
    """A random condition."""
    kind = rng.integers(0, 4) if depth else 3
    if kind == 3:
        n, level = int(rng.integers(3, 40)), int(rng.integers(35, 66))
        if rng.random() < 0.4:
            return rng.choice(LEVELS).format(n=n, level=level)
        left, right = (rng.choice(SERIES).format(n=int(rng.integers(3, 60))) for _ in "lr")
        return f"{left} {rng.choice(['>', '<', 'crosses_above', 'crosses_below'])} {right}"
    if kind == 2:
        return f"not ({grown(rng, depth - 1)})"
    return f"({grown(rng, depth - 1)}) {('and', 'or')[kind]} ({grown(rng, depth - 1)})"


def brood(n, seed=11):
    """Genomes with random trees, a stop and a target."""
    rng = np.random.default_rng(seed)
    found = []
    for nth in range(n):
        trees = {name: parse_condition(grown(rng, 3)) for name in ("entry_long", "exit_long")}
        genes = (("stop", 0.02 + nth / 100), ("target", 0.03 + nth / 100))
        found.append(Genome(family="bred", generation=nth + 1, genes=genes, **trees))
        check(found[-1])
    return found


BROOD = brood(6)
ODD = BROOD[0]
SPOILT = Publish(
    to=("brain",),
    message=msgspec.structs.replace(
        funded(ODD, 1.0).message,
        genome_id="bred_1_00000000",
        text=canonical_text(ODD).replace("0.02", "0.021"),
    ),
)


def breeder():
    """Evolution that stores and funds the brood at its first start, and once is wrong."""

    def step(state, message, _now):
        if type(message) is not Recovered or state.funded:
            return state, ()
        effects = [stored(genome) for genome in BROOD]
        effects += [SPOILT, *(funded(genome, 1.0 / len(BROOD)) for genome in BROOD)]
        return ReproductionState(funded=tuple(g.genome_id for g in BROOD)), tuple(effects)

    return OrganCore("reproduction", ReproductionState, ReproductionState(), step)


@pytest.fixture
def bred(monkeypatch):
    monkeypatch.setattr(anatomy, "reproduction_core", breeder)
    for genome in BROOD:
        warm(compiled(genome))


def decisions(effects):
    return [e.message for e in effects if type(e) is Publish and type(e.message) is ExposureTargeted]


def in_lockstep(settings):
    """What the brain targeted and the venue filled over the first session."""
    said = []
    assembled = assemble(
        settings, MemoryJournal(), observers=(lambda *step: said.extend(decisions(step[3])),)
    )
    assembled.driver.run(itertools.islice(instants(settings.market), N_BARS))
    return said, assembled.exchange.fills


def told(fills):
    return [(f.symbol, f.side, f.quantity, f.price, f.fee, f.at_ns) for f in fills]


def replayed(state, capsys):
    capsys.readouterr()
    code = run(["replay", "--json", "--state", str(state)])
    return code, json.loads(capsys.readouterr().out)


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_body_living_by_bred_genomes_decides_what_lockstep_and_replay_decide(tmp_path, bred, capsys):
    state = tmp_path / "state"
    with living(state, f"market.max_bars={N_BARS}", "market.speed=0") as alive:
        settings = alive.body.settings
        expected, fills = in_lockstep(settings)
        last_ns = [i.at_ns for i in itertools.islice(instants(settings.market), N_BARS)][-1]
        until(lambda: alive.error or alive.market_ns > last_ns, "the second session", 120.0)
        assert alive.error is None
        strategies = {s["genome_id"]: s for s in alive.view.status()["strategies"]}
        alerts = alive.view.table("alerts")

    rows = list(read_rows(state))
    lived = [m for row in rows if row.organ == "brain" for m in decisions(decode_effects(row.effects))]
    assert len(expected) > 30
    assert {c.genome_id for m in expected for t in m.targets for c in t.contributions} == {
        g.genome_id for g in BROOD
    }
    assert [m for m in lived if m.at_ns <= last_ns] == expected
    assert told(f for f in PaperTruth.read(state / "paper_venue.db").fills if f.at_ns <= last_ns) == told(
        fills
    )
    assert len(fills) > 10

    assert {g.genome_id: canonical_text(g) for g in BROOD} == {
        name: s["text"] for name, s in strategies.items() if s["state"] == "funded"
    }
    assert strategies["bred_1_00000000"]["state"] == "retired"
    assert [a["title"] for a in alerts].count("Strategy bred_1_00000000 was refused") == 1
    assert kept(state) == {g.genome_id: g for g in BROOD}
    code, report = replayed(state, capsys)
    assert (code, report["ok"], report["first_difference"], report["steps"]) == (0, True, None, len(rows))


def kept(state):
    store = GenomeStore(state / "genome.db", writable=False)
    found = {record.genome_id: record.genome() for record in store.records()}
    store.close()
    return found


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_restarted_body_goes_on_with_its_bred_genomes(tmp_path, bred, capsys, monkeypatch):
    state = tmp_path / "state"
    with living(state) as alive:
        alive.goes_on(20)
    warmed = []
    monkeypatch.setattr(ready, "warm", warmed.append)
    with living(state) as alive:
        alive.goes_on(20)
        brain = alive.body.goods["brain"].state
        assert {f.genome_id: f.text for f in brain.funded} == {g.genome_id: canonical_text(g) for g in BROOD}
        assert alive.view.status()["body"]["safe"] is False

    assert [strategy.genome for strategy in warmed] == BROOD
    assert replayed(state, capsys)[0] == 0
    capsys.readouterr()
    assert run(["status", "--json", "--state", str(state)]) == 0
    rules = {s["genome_id"]: dict(s["rules"]) for s in json.loads(capsys.readouterr().out)["strategies"]}
    for genome in BROOD:
        assert parse_condition(rules[genome.genome_id]["entry long"]) == genome.entry_long


@pytest.mark.parametrize(
    ("funded", "wanted"),
    [
        ((), 0),
        (tuple(Funded(f, f, 0.1, ()) for f in FAMILIES), 0),
        ((Funded("a", "ema_crossover", 0.1, ()),), 1),
        (tuple(Funded(g.genome_id, g.family, 0.1, g.genes, canonical_text(g)) for g in BROOD), len(BROOD)),
        ((Funded("a", "ema_trend", 0.1, (), "family: ema_trend"),), 0),
    ],
)
def test_only_a_brain_that_has_genomes_waits_for_what_steps_them(monkeypatch, funded, wanted):
    warmed = []
    monkeypatch.setattr(ready, "warm", warmed.append)
    ready.made_ready(BrainState(funded=funded), 300)

    assert len(warmed) == wanted
