"""Linear quantile regression with an l1 penalty, through its dual: exact, and several times faster than the primal.

primal   min over β, b of  (1/n) Σ ρ_q(yᵢ − b − β·xᵢ) + α Σ |βⱼ|,   ρ_q(u) = max(q·u, (q − 1)·u)
dual     max over d of  Σ yᵢ dᵢ   with  Σ dᵢ = 0,  |Σ xᵢⱼ dᵢ| ≤ α·n for every j,  q − 1 ≤ dᵢ ≤ q

The dual has one constraint a feature instead of one a row; β and b are its multipliers. scikit-learn's
`QuantileRegressor` solves the primal and is the oracle in tests.
Source: R. Koenker, "Quantile Regression" (2005), section 6.2; Huangfu and Hall (2018) for the solver, HiGHS.
"""

import numpy as np

from genome.learned.guards import FitFailed, TooSlow
from genome.market import F64

_STOPPED = 1
"""The solver's status at its limit of time."""


def quantile_line(x: F64, y: F64, q: float, alpha: float, seconds: float) -> tuple[F64, float, int]:
    """Slopes (features,), intercept and iterations of the line below which a share q of y lies.

    x (n, features), y (n,), both of about unit scale. Raises `FitFailed` where no optimum was found within `seconds`.
    """
    from scipy.optimize import linprog  # noqa: PLC0415 - only training needs it

    n, m = x.shape
    equal = np.zeros((m + 1, n + m))
    equal[:m, :n] = x.T
    equal[m, :n] = 1.0
    equal[
        np.arange(m), n + np.arange(m)
    ] = -1.0  # bounded slacks: half the rows that two inequalities would take
    low, high = np.full(n + m, q - 1.0), np.full(n + m, q)
    low[n:], high[n:] = -alpha * n, alpha * n
    found = linprog(
        np.concatenate([-y, np.zeros(m)]),
        A_eq=equal,
        b_eq=np.zeros(m + 1),
        bounds=np.column_stack([low, high]),
        method="highs-ds",
        options={"presolve": False, "time_limit": seconds},
    )
    if found.status != 0:
        kind = TooSlow if found.status == _STOPPED else FitFailed
        raise kind(f"the quantile regression at {q:g} found no optimum: {found.message}")
    multipliers = -found.eqlin.marginals
    return multipliers[:m], float(multipliers[m]), int(found.nit)
