"""Genes of the learned families, and what they mean together."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from genome.genes import GENES, GeneSpec
from genome.genome import Genome
from genome.learned.parameters import QUANTILE_SETS, PtqParameters, SvcParameters
from organism.errors import BadInput

_G = GeneSpec
_PENALTIES = ("l1", "l2")
_LOSSES = ("hinge", "squared_hinge")
_CLASS_WEIGHTS = ("none", "balanced")
_SWITCH = ("no", "yes")
_SETS = tuple("/".join(f"{q:g}" for q in s) for s in QUANTILE_SETS)

_WALK = (
    _G("horizon", 1, 288, "bars", "how far ahead a label looks", "S4-25.1", "log", integer=True, breed_high=48, default=12),
    _G("window", 200, 20_000, "bars", "rows learned from (the least, when expanding)", "S4-25.15", "log", integer=True, breed_low=500, breed_high=4_000, default=1_000),
    _G("refit", 20, 10_000, "bars", "how long a model speaks before the next is made", "S4-25.15", "log", integer=True, breed_low=100, breed_high=2_000, default=250),
    _G("embargo", 0, 1_000, "bars", "left out between learning and speaking, beyond the labels' horizon", "S4-25.15", integer=True, breed_high=50, default=1),
    _G("expanding", 0, 1, "", "learn from all that is past, not from the newest window alone", "S4-25.15", integer=True, choices=_SWITCH, default=0),
    _G("band", 0.0, 0.05, "fraction", "return that counts as a move: what a round trip costs", "S4-25.2", breed_low=0.001, breed_high=0.01, default=0.003),
)  # fmt: skip
SVC_GENES = (
    _G("C", 0.001, 1_000.0, "", "weight of errors against the size of the weights", "S4-25.1", "log", default=0.1),
    _G("penalty", 0, 1, "", "norm of the weights", "S4-25.1", integer=True, choices=_PENALTIES, default=1),
    _G("loss", 0, 1, "", "of a margin missed; l1 takes squared_hinge always", "S4-25.1", integer=True, choices=_LOSSES, default=1),
    _G("class_weight", 0, 1, "", "whether rare classes count more", "S4-25.1", integer=True, choices=_CLASS_WEIGHTS, default=1),
    _G("max_iter", 500, 5_000, "", "iterations of the solver at most", "S4-25.1", "log", integer=True, default=1_000),
    *_WALK,
)  # fmt: skip
PTQ_GENES = (
    _G("variance", 0.80, 0.99, "fraction", "of variance that the components keep", "S4-25.5", default=0.9),
    _G("whiten", 0, 1, "", "components scaled to unit variance", "S4-25.5", integer=True, choices=_SWITCH, default=1),
    _G("max_depth", 3, 20, "", "of the tree", "S4-25.5", integer=True, default=4),
    _G("min_samples_split", 2, 20, "", "rows a node needs to be split", "S4-25.5", integer=True, default=20),
    _G("quantile_set", 0, len(QUANTILE_SETS) - 1, "", "which quantiles are forecast", "S4-25.5", integer=True, choices=_SETS, default=1),
    _G("alpha", 0.001, 10.0, "", "penalty of the quantile regressions", "S4-25.5", "log", default=0.01),
    *_WALK,
)  # fmt: skip
LEARNED: Mapping[str, tuple[GeneSpec, ...]] = {"linear_svc": SVC_GENES, "pca_tree_quantile": PTQ_GENES}
"""Families whose signals come from a model. Their genomes have no conditions; these are their constants."""


@dataclass(frozen=True, slots=True)
class Settings:
    """A learned genome's genes, read and checked. `svc` is None for a PCA-tree-quantile."""

    family: str
    horizon: int
    window: int
    refit: int
    embargo: int
    expanding: bool
    band: float
    svc: SvcParameters | None = None
    ptq: PtqParameters = field(default_factory=PtqParameters)


def settings(genome: Genome) -> Settings:
    """Read a learned genome; raises `BadInput` for another family, an unknown gene or a value out of bounds."""
    specs = {spec.name: spec for spec in LEARNED.get(genome.family, ())}
    if not specs:
        raise BadInput(f"family {genome.family!r} does not learn; {' and '.join(LEARNED)} do.")
    g = {name: spec.default or 0.0 for name, spec in specs.items()}
    for name, value in genome.genes:
        if name in GENES:
            continue
        if name not in specs:
            raise BadInput(f"{genome.family} has no gene {name!r}. It knows: {', '.join(sorted(specs))}.")
        specs[name].check(value)
        g[name] = value
    svc = None
    ptq = PtqParameters()
    if genome.family == "linear_svc":
        svc = SvcParameters(
            C=g["C"],
            penalty="l1" if g["penalty"] == 0.0 else "l2",
            loss="hinge" if g["loss"] == 0.0 else "squared_hinge",
            class_weight="none" if g["class_weight"] == 0.0 else "balanced",
            max_iter=int(g["max_iter"]),
        )
    else:
        ptq = PtqParameters(
            variance=g["variance"],
            whiten=g["whiten"] == 1.0,
            max_depth=int(g["max_depth"]),
            min_samples_split=int(g["min_samples_split"]),
            quantile_set=int(g["quantile_set"]),
            alpha=g["alpha"],
        )
    return Settings(
        family=genome.family,
        horizon=int(g["horizon"]),
        window=int(g["window"]),
        refit=int(g["refit"]),
        embargo=int(g["embargo"]),
        expanding=g["expanding"] == 1.0,
        band=g["band"],
        svc=svc,
        ptq=ptq,
    )
