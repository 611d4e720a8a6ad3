"""Seeds that learn: a linear support vector classifier, and a PCA-tree-quantile forecaster (S4-25).

```
walk(genome, market) -> Walk            predictions by models that had not seen them, and everything refused
signals(genome, market) -> 4 × bool     the same as decisions, for the simulator
latest(genome, market) -> Fit           the model that trades; `save`, `load`, `fit_id`
predict_row(fit, features) -> float     one bar; `risk_row` for the whole distribution
```

scikit-learn is imported only while a model is made; predicting needs the folded numbers alone.
"""

from genome.learned.features import FEATURES, LOOKBACK, features
from genome.learned.fits import (
    Fit,
    PtqFit,
    Risk,
    SvcFit,
    dumps,
    fit_id,
    load,
    loads,
    predict_row,
    risk_row,
    save,
)
from genome.learned.genes import LEARNED, PTQ_GENES, SVC_GENES
from genome.learned.guards import FitFailed, Limits
from genome.learned.ptq import PtqParameters, fit_ptq
from genome.learned.svc import SvcParameters, fit_svc
from genome.learned.walk import Signals, Step, Walk, latest, signals, walk

__all__ = [
    "FEATURES", "LEARNED", "LOOKBACK", "PTQ_GENES", "SVC_GENES", "Fit", "FitFailed", "Limits", "PtqFit", "PtqParameters",
    "Risk", "Signals", "Step", "SvcFit", "SvcParameters", "Walk", "dumps", "features", "fit_id", "fit_ptq", "fit_svc",
    "latest", "load", "loads", "predict_row", "risk_row", "save", "signals", "walk",
]  # fmt: skip
