"""Parameters of the two models. Nothing heavy is imported, so that genes can be read and checked anywhere."""

from typing import Literal

import msgspec

QUANTILE_SETS = ((0.05, 0.5, 0.95), (0.1, 0.5, 0.9), (0.25, 0.5, 0.75))


class SvcParameters(msgspec.Struct, frozen=True, kw_only=True):
    """S4-25.1.

    C             0.001 to 1000; more is less regularised
    loss          "hinge" has no solver with "l1"; liblinear's squared hinge is taken there, and written into the fit
    class_weight  "balanced" weighs classes by 1 / frequency
    max_iter      500 to 5000
    """

    C: float = 0.1
    penalty: Literal["l1", "l2"] = "l2"
    loss: Literal["hinge", "squared_hinge"] = "squared_hinge"
    class_weight: Literal["none", "balanced"] = "balanced"
    max_iter: int = 1_000


class PtqParameters(msgspec.Struct, frozen=True, kw_only=True):
    """S4-25.5.

    variance           share of variance that the components keep, 0.80 to 0.99
    whiten             components scaled to unit variance
    max_depth          3 to 20
    min_samples_split  2 to 20
    quantile_set       index into QUANTILE_SETS
    alpha              l1 penalty of the quantile regressions on targets of unit variance, 0.001 to 10
    """

    variance: float = 0.9
    whiten: bool = True
    max_depth: int = 4
    min_samples_split: int = 20
    quantile_set: int = 1
    alpha: float = 0.01
