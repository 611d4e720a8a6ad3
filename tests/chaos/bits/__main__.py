"""`python -m tests.chaos.bits SEED`: digests of what a seed must decide alone, a line each.

lineage   three generations bred from a seed: the text of each genome, in order
figures   what a simulation says of them, on as many threads as ORGANISM_TEST_THREADS says: every bit of every float
life      500 instants of a whole organism with faults: the tip of its journal, which is a chain of hashes
reading   a bar file, settings and a genome as people write them: numbers and times, read and said again
"""

import hashlib
import itertools
import os
import sys

import msgspec
import numpy as np

from genome.breeding.flat import genomes_of
from genome.breeding.growing import ramped
from genome.breeding.lexicon import lexicon
from genome.breeding.variation import Operator, vary
from genome.documents import canonical_text, parse_genome
from genome.market import market
from genome.reporting.words import iso
from genome.simulator import evaluate
from organism.body.lockstep import assemble
from organism.journal.port import MemoryJournal
from organism.lockstep import Faults
from organism.settings import Settings
from organs.nervous.feeds import instants

COLUMNS = ("open", "high", "low", "close", "volume", "typical", "hour", "weekday")
N = 40
FAULTS = Faults(duplicate=0.05, raise_=0.01, hang=0.01, lose_reply=0.02, delay_reply=0.05)


def path(seed, size=2_000):
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(size=size) * 2e-3))
    opened = np.concatenate([[100.0], close[:-1]])
    high, low = np.maximum(opened, close) * 1.001, np.minimum(opened, close) * 0.999
    at = 1_704_067_200 + np.arange(size, dtype=np.int64) * 300
    return market("X/USD", at, 300, (opened, high, low, close, np.exp(rng.normal(size=size))))


def lineage(seed):
    rng, words = np.random.default_rng(seed), lexicon(COLUMNS, ("1h",))
    flock, told = ramped(N, rng, words), []
    for generation in range(3):
        mothers, fathers = rng.integers(0, len(flock), (2, N))
        flock = vary(flock, mothers, fathers, rng.integers(0, len(Operator), N), rng, words)
        told += [(g.genome_id, canonical_text(g)) for g in genomes_of(flock, "bred", generation + 1)]
    return told, list(genomes_of(flock, "bred", 3))


def life(seed):
    base, change = Settings(), msgspec.structs.replace
    chosen = change(
        base, seed=seed, market=change(base.market, symbols=("BTC/USDT", "ETH/USDT"), warmup_bars=300, max_bars=800),
        brain=change(base.brain, no_trade_band=0.05, cost_multiple=0.1, min_forecast=0.03),
    )  # fmt: skip
    journal = MemoryJournal()
    assembled = assemble(chosen, journal, faults=FAULTS)
    assembled.driver.run(itertools.islice(instants(chosen.market), 500))
    journal.flush()
    return journal.tip, [repr(fill) for fill in assembled.exchange.fills]


def reading():
    genome = parse_genome(
        "family: x\ngeneration: 1\nentry long: close > 1234567.5 and hour > 6\ngenes: stop=0.015"
    )
    return (
        canonical_text(genome),
        iso(1_709_640_000),
        f"{0.1:n}",
        sorted({"b", "a"}),
        str({"one", "two"} == {"two", "one"}),
    )


def digest(*things):
    found = hashlib.sha256()
    for thing in things:
        found.update(thing.tobytes() if isinstance(thing, np.ndarray) else repr(thing).encode())
    return found.hexdigest()


def main():
    seed = int(sys.argv[1])
    told, genomes = lineage(seed)
    found = evaluate(genomes, [path(seed)], threads=int(os.environ.get("ORGANISM_TEST_THREADS", "1")))
    figures = [found.figures[name] for name in sorted(found.figures)]
    tip, fills = life(seed)
    assert fills
    for name, value in (
        ("lineage", digest(*told)), ("figures", digest(*figures, *found.returns)), ("life", digest(tip, *fills)),
        ("reading", digest(*reading())),
    ):  # fmt: skip
        sys.stdout.write(f"{name} {value}\n")


if __name__ == "__main__":
    main()
