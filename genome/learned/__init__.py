"""Seeds that learn: a linear support vector classifier, and a PCA-tree-quantile forecaster (S4-25).

```
walk(genome, market) -> Walk            predictions by models that had not seen them, and everything refused
signals(genome, market) -> 4 × bool     the same as decisions, for the simulator
latest(genome, market) -> Fit           the model that trades; `save`, `load`, `fit_id`
predict_row(fit, features) -> float     one bar; `risk_row` for the whole distribution
```

scikit-learn is imported only while a model is made; predicting needs the folded numbers alone. The names below are
imported when first asked for: reading a genome's genes (`genome.learned.genes`) must not bring numba with it.
"""

import importlib
from typing import Any

_HOME = {
    "matrix": ("FEATURES", "LOOKBACK"),
    "program": ("features",),
    "fits": (
        "Fit",
        "PtqFit",
        "Risk",
        "SvcFit",
        "dumps",
        "fit_id",
        "load",
        "loads",
        "predict_row",
        "risk_row",
        "save",
    ),
    "genes": ("LEARNED", "PTQ_GENES", "SVC_GENES", "Settings", "settings"),
    "guards": ("FitFailed", "Limits"),
    "parameters": ("PtqParameters", "SvcParameters"),
    "ptq": ("fit_ptq",),
    "svc": ("fit_svc",),
    "cache": ("FitCache",),
    "training": ("Known", "Trainer"),
    "gate": ("Entrusted", "Verdict", "entrusted", "examined", "judged"),
    "walking": ("Signals", "Step", "Walk", "latest", "signals", "walk", "walks"),
}
_MODULE = {name: module for module, names in _HOME.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name from the module that has it."""
    if name not in _MODULE:
        raise AttributeError(f"genome.learned has no {name!r}")
    found = getattr(importlib.import_module(f"genome.learned.{_MODULE[name]}"), name)
    globals()[name] = found
    return found
