"""Profile-likelihood intervals of rho and lambda."""

from __future__ import annotations

import numpy as np
from scipy.special import chdtri

from ronghe.errors import RongheError, require_known
from ronghe.spatial.fitted import FittedModel
from ronghe.spatial.likelihood import Likelihood
from ronghe.spatial.maximum import EDGE


def profile(likelihood: Likelihood, name: str, value: float, start: float = 0.0) -> float:
    """Return the log-likelihood at one value of rho or lambda, all other parameters at their best."""
    other = [free for free in likelihood.free if free != name]
    if not other:
        return likelihood.at(**_arguments({name: value})).loglik
    ln_det = likelihood.error if other[0] == "lambda" else likelihood.lag
    low, high = ln_det.bounds
    margin = EDGE * (high - low)
    low, high = low + margin, high - margin
    a = start
    k = likelihood.free.index(other[0])
    for _ in range(100):
        point = likelihood.at(**_arguments({name: value, other[0]: a}))
        slope, curvature = point.slope[k], point.curvature[k, k]
        low, high = (a, high) if slope > 0 else (low, a)
        newton = -slope / curvature if curvature < 0 else np.inf
        if abs(newton) <= 1e-11 or high - low <= 1e-11:
            return point.loglik
        following = a + newton
        if not low < following < high:
            following = 0.5 * (low + high)
        a = following
    raise RongheError(f"profile of {name}: no maximum over {other[0]} at {name} = {value:.6g}")


def profile_interval(model: FittedModel, loglik: float, name: str, level: float = 0.95) -> tuple[float, float]:
    """Return where the profile log-likelihood lies within half a chi-squared quantile of its maximum.

    Venzon and Moolgavkar (1988, equation 1). An end at which the likelihood has not fallen so far is the end of the
    interval of the parameter. The likelihood is that of the method; for bias_corrected, that with dummies.
    """
    from scipy.optimize import brentq

    likelihood = model.likelihood
    require_known(name, likelihood.free, "parameter", "confidence_interval")
    drop = 0.5 * chdtri(1, 1 - level)
    centre, other = (model.rho, model.lam) if name == "rho" else (model.lam, model.rho)
    ln_det = likelihood.lag if name == "rho" else likelihood.error
    low, high = ln_det.bounds
    margin = EDGE * (high - low)

    def above(value: float) -> float:
        return profile(likelihood, name, value, other) - loglik + drop

    ends = []
    for end in (low + margin, high - margin):
        inner, step = centre, 0.02 * (end - centre)
        while True:
            outer = inner + step
            if abs(outer - centre) >= abs(end - centre):
                outer = end
            if above(outer) < 0:
                ends.append(brentq(above, inner, outer, xtol=1e-12, rtol=1e-12))
                break
            if outer == end:
                ends.append(end)
                break
            inner, step = outer, 1.7 * step
    return ends[0], ends[1]


def _arguments(values: dict[str, float]) -> dict[str, float]:
    return {"lam" if name == "lambda" else name: value for name, value in values.items()}
