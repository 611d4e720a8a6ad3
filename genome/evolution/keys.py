"""Names of genomes in a flock, made of their content alone: 128 bits a genome, without a tree between.

Equal keys, equal behaviour: a genome is known again whichever flock it stands in, in every process and every version
that knows its words, for words, columns and genes go in by name. What is computed alike has one key: `a and b` is
`b and a`, `x < y` is `y > x`. The family's name, the generation and the names of constants do not count, so a key is
not the content hash of the store (`Genome.content_hash`), which is made of a genome's JSON.

Two different genomes share a key by chance once in 2¹²⁸ pairs.
"""

import hashlib
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genome.breeding import tokens as tk
from genome.breeding.flat import GENE_NAMES, TREES, Flock
from genome.breeding.tokens import I32, arity
from genome.jit import kernel, step
from genome.market import I64
from genome.vocabulary import COLUMNS

# The cache of these kernels need not go stale with this folder: what they call from other files is in `jit.stamp()`.

U64 = NDArray[np.uint64]
LANES = 2


class Keys(NamedTuple):
    """uint64 (n, 2) each: of the conditions alone, and of conditions and genes."""

    trees: U64
    whole: U64


def _digest(name: str) -> list[int]:
    found = hashlib.blake2b(name.encode(), digest_size=8 * LANES).digest()
    return [int.from_bytes(found[8 * lane : 8 * lane + 8], "little") for lane in range(LANES)]


def _names() -> list[str]:
    """What each token stands for, by name."""
    plain = {token: name for name, token in (tk.UNARIES | tk.BINARIES | tk.COMPARISONS | tk.CROSSES).items()}
    plain |= {
        tk.ARGUMENT: "argument",
        tk.NUMBER: "number",
        tk.NOT: "not",
        tk.AND: "and",
        tk.OR: "or",
        tk.TRUTH: "truth",
    }
    plain[tk.NEG] = "negative"
    plain |= {tk.RAW + i: f"column {name}" for i, name in enumerate(COLUMNS)}
    for word in tk.WORD_LIST:
        for timeframe in tk.TIMEFRAME_LIST:
            for source in (False, True):
                token = tk.word_token(word.name, timeframe, source=source)
                plain[token] = f"{word.name}@{timeframe}" + "()" * source
    return [plain.get(token, "") for token in range(max(plain) + 1)]


_OF_TOKEN: U64 = np.array([_digest(name) for name in _names()], np.uint64)
_OF_GENE: U64 = np.array([_digest(f"gene {name}") for name in GENE_NAMES], np.uint64)
_OF_TREE: U64 = np.array([_digest(f"tree {k}") for k in range(TREES)], np.uint64)
_A, _B = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)
_SHIFT = np.uint64(32)


@step
def _mixed(h: np.uint64, x: np.uint64) -> np.uint64:
    """Take x into h, in order: a multiply-add, and the 64-bit mixer of C. Wellons' hash prospector ("degski64")."""
    h = h * _A + x
    h = (h ^ (h >> _SHIFT)) * _B
    h = (h ^ (h >> _SHIFT)) * _B
    return h ^ (h >> _SHIFT)


@step
def _node(token: int, lane: int, bits: np.uint64, stack: U64, top: int) -> int:
    """Put the hash of a node in the place of its children, of which the first is on top; returns the new top."""
    swapped = token in (tk.LESS, tk.AT_MOST, tk.CROSSES_BELOW)
    kind = token - 1 if swapped else token  # x < y is y > x
    h = _mixed(_OF_TOKEN[kind, lane], bits)
    n = arity(token)
    if n == 2 and token < tk.RAW:  # noqa: PLR2004
        first, second = stack[top, lane], stack[top - 1, lane]
        either = token in (tk.ADD, tk.MUL, tk.MIN, tk.MAX, tk.AND, tk.OR)
        if swapped or (either and second < first):
            first, second = second, first
        h = _mixed(_mixed(h, first), second)
    else:
        for k in range(n):
            h = _mixed(h, stack[top - k, lane])
    top -= n - 1
    stack[top, lane] = h
    return top


@kernel
def _hash(tokens: I32, bits: U64, offsets: I64, gene_bits: U64, absent: NDArray[np.bool_], longest: int, trees: U64, whole: U64) -> None:  # fmt: skip
    stack = np.zeros((longest + 1, LANES), np.uint64)
    for g in range(trees.shape[0]):
        for lane in range(LANES):
            h = _OF_TREE[0, lane]
            for k in range(TREES):
                begin, end = offsets[TREES * g + k], offsets[TREES * g + k + 1]
                if end == begin:
                    continue
                top = -1
                for at in range(end - 1, begin - 1, -1):
                    top = _node(tokens[at], lane, bits[at], stack, top)
                h = _mixed(_mixed(h, _OF_TREE[k, lane]), stack[0, lane])
            trees[g, lane] = h
            for k in range(gene_bits.shape[1]):
                if not absent[g, k]:
                    h = _mixed(_mixed(h, _OF_GENE[k, lane]), gene_bits[g, k])
            whole[g, lane] = h


def keys(flock: Flock) -> Keys:
    """Keys of every genome of a flock of checked genomes."""
    n = len(flock)
    found = Keys(np.zeros((n, LANES), np.uint64), np.zeros((n, LANES), np.uint64))
    longest = int(np.diff(flock.offsets).max(initial=0))
    numbers, genes = flock.values + 0.0, flock.genes + 0.0  # −0 is 0
    _hash(
        flock.tokens, numbers.view(np.uint64), flock.offsets, genes.view(np.uint64), np.isnan(genes), longest,
        found.trees, found.whole,
    )  # fmt: skip
    return found


def texts(found: U64) -> list[str]:
    """Keys as 32 hex digits each."""
    data = np.ascontiguousarray(found, "<u8").tobytes().hex()
    return [data[i : i + 32] for i in range(0, len(data), 32)]


def as_bytes(found: U64) -> list[bytes]:
    """Keys as they go into a dictionary."""
    data = np.ascontiguousarray(found).tobytes()
    return [data[i : i + 8 * LANES] for i in range(0, len(data), 8 * LANES)]


@step
def _slot(every: U64, i: int, slots: I64) -> int:
    """Where key i stands in a table of open addressing, or would stand; keys are digests, so their bits are spread already."""
    most = slots.size - 1
    at = np.int64(every[i, 0] & np.uint64(most))
    while slots[at] >= 0 and (every[slots[at], 0] != every[i, 0] or every[slots[at], 1] != every[i, 1]):
        at = (at + 1) & most
    return int(at)


@kernel
def _fresh(every: U64, n_known: int, slots: I64, kept: I64) -> int:
    """Receives indices of the keys after the known ones; returns how many."""
    n = 0
    for i in range(every.shape[0]):
        at = _slot(every, i, slots)
        if slots[at] < 0:
            slots[at] = i
            if i >= n_known:
                kept[n] = i - n_known
                n += 1
    return n


@kernel
def _places(every: U64, n_known: int, slots: I64, found: I64) -> None:
    """Receives for each key after the known ones the last known one that equals it, −1 for none."""
    for i in range(n_known):
        slots[_slot(every, i, slots)] = i
    for i in range(n_known, every.shape[0]):
        found[i - n_known] = slots[_slot(every, i, slots)]


def _table(n: int) -> I64:
    """An empty table for n keys, at most half full."""
    return np.full(1 << max(n, 1).bit_length() + 1, -1, np.int64)


def fresh(found: U64, known: U64) -> I64:
    """Indices, in order, of those whose key is neither among the known nor of an earlier one."""
    every = np.concatenate([known, found])
    kept = np.empty(len(found), np.int64)
    n = _fresh(every, len(known), _table(len(every)), kept)
    return kept[:n]


def places(found: U64, known: U64) -> I64:
    """Where each key stands among the known, int64 (n,): the last place. Raises `LookupError` where one is unknown."""
    every = np.concatenate([known, found])
    at = np.empty(len(found), np.int64)
    _places(every, len(known), _table(len(every)), at)
    if (at < 0).any():
        raise LookupError("a key that was asked for is not among the known ones")
    return at
