"""A genome of a flock as a few hundred bytes, for those that may never be on a front.

Tokens mean what the code says they mean, so every packed genome names the lexicon it was written with; one of another
lexicon is refused. Who comes on a front is written as text, in the table `genomes`, and can be read for ever.
"""

import hashlib
import itertools
import struct
import zlib

import numpy as np

from genome.breeding import tokens as tk
from genome.breeding.flat import GENE_NAMES, TREES, Flock, genome_of
from genome.genome import Genome
from genome.vocabulary import COLUMNS
from organism.errors import BadInput

_LEXICON = hashlib.sha256(
    repr((
        [(word.name, [p.name for p in word.parameters]) for word in tk.WORD_LIST], tk.TIMEFRAME_LIST, COLUMNS, GENE_NAMES,
        tk.UNARIES, tk.BINARIES, tk.COMPARISONS, tk.CROSSES, tk.AND, tk.OR, tk.NOT, tk.NUMBER, tk.TRUTH, tk.ARGUMENT,
    )).encode()
).digest()[:8]  # fmt: skip
_HEAD = struct.Struct(f"<{TREES}I")


def packed(flock: Flock, i: int) -> bytes:
    """Genome i of a flock."""
    bounds = flock.offsets[TREES * i : TREES * (i + 1) + 1].tolist()
    begin, end = bounds[0], bounds[-1]
    raw = (
        _HEAD.pack(*(b - a for a, b in itertools.pairwise(bounds)))
        + np.asarray(flock.tokens[begin:end], "<i4").tobytes()
        + np.asarray(flock.values[begin:end], "<f8").tobytes()
        + np.asarray(flock.genes[i], "<f8").tobytes()
    )
    return _LEXICON + zlib.compress(raw, 1)


def unpacked(raw: bytes, family: str, generation: int) -> Genome:
    """The genome. Raises `BadInput` for one that was packed by other code, or is none."""
    if raw[: len(_LEXICON)] != _LEXICON:
        raise BadInput(
            "it was bred by another version of the code, and never came on a front; that version can read it"
        )
    try:
        said = zlib.decompress(raw[len(_LEXICON) :])
        sizes = _HEAD.unpack_from(said)
        n, at = sum(sizes), _HEAD.size
        tokens = np.frombuffer(said, "<i4", n, at).astype(np.int32)
        values = np.frombuffer(said, "<f8", n, at + 4 * n).astype(np.float64)
        genes = np.frombuffer(said, "<f8", len(GENE_NAMES), at + 12 * n).astype(np.float64)
        flock = Flock(tokens, values, np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64), genes[None])
        return genome_of(flock, 0, family, generation)
    except (zlib.error, struct.error, ValueError, IndexError, KeyError):
        raise BadInput("it cannot be read") from None


def prevalence(flock: Flock) -> dict[str, float]:
    """The share of genomes that have each word and each gene: how they survive, generation by generation.

    Words are named as in conditions, genes as "gene NAME"; what nobody has is left out.
    """
    n = len(flock)
    if not n:
        return {}
    owner = np.repeat(np.arange(n), np.diff(flock.offsets[::TREES]))
    is_word = flock.tokens >= tk.WORD
    words = (flock.tokens[is_word] - tk.WORD) // 2 // tk.N_TIMEFRAMES
    pairs = np.unique(owner[is_word] * np.int64(tk.N_WORDS) + words)
    counts = np.bincount(pairs % tk.N_WORDS, minlength=tk.N_WORDS)
    found = {tk.WORD_LIST[i].name: counts[i] / n for i in np.flatnonzero(counts).tolist()}
    carried = np.count_nonzero(~np.isnan(flock.genes), axis=0)
    found |= {f"gene {GENE_NAMES[i]}": carried[i] / n for i in np.flatnonzero(carried).tolist()}
    return {name: float(share) for name, share in found.items()}
