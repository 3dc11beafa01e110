"""Comparing spatial panels: information criteria, Bayesian posterior probabilities, and Vuong's test.

The models compared share outcome, regressors, sample and fixed effects; they differ in their spatial terms or in W.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import gammaln, logsumexp

from ronghe.errors import RongheError, require_known
from ronghe.linear.inference import t_pvalue
from ronghe.spatial.grid import WeightsLike
from ronghe.spatial.likelihood import Likelihood
from ronghe.spatial.results import SpatialPanelResult
from ronghe.spatial.spatial_panel import SpatialPanel

MODELS = ("ols", "slx", "sar", "sem", "sdm", "sdem")
PRIORS = ("g", "flat")
NODES = 80
# So many standard deviations around its mode hold the posterior of rho, if it is anything like normal.
REACH = 12.0
TAIL_NODES = 16
# Parts of the integral whose logarithm lies this far below that of the rest do not count.
NEGLIGIBLE = 32.0


@dataclass(frozen=True)
class Marginal:
    """The log-marginal likelihood of one model, and the posterior mean and deviation of its spatial parameter."""

    value: float
    mean: float
    deviation: float


def compare_models(
    y: pd.Series,
    X: pd.DataFrame,
    W: WeightsLike,
    models: Sequence[str] = MODELS,
    effects: str = "twoways",
    method: str = "lee_yu",
    prior: str = "g",
) -> pd.DataFrame:
    """Return one row per model: log-likelihood, AIC, BIC, log-marginal and posterior probability.

    >>> import numpy as np
    >>> from ronghe.spatial import compare_models, munnell
    >>> data, W = munnell()
    >>> table = compare_models(np.log(data["gsp"]), np.log(data[["pc", "emp"]]), W, models=("ols", "sar", "sdm"))
    >>> table["model"][table["aic"].idxmin()]
    'sdm'
    """
    fits = {m: SpatialPanel(y, X, W, model=m, effects=effects, method=method) for m in models}
    return _table(fits, prior, "model")


def compare_weights(
    y: pd.Series,
    X: pd.DataFrame,
    weights: Mapping[str, WeightsLike],
    model: str = "sdm",
    effects: str = "twoways",
    method: str = "lee_yu",
    prior: str = "g",
) -> pd.DataFrame:
    """Return one row per W: log-likelihood, AIC, BIC, log-marginal and posterior probability of one model.

    >>> import numpy as np
    >>> from ronghe.spatial import compare_weights, munnell
    >>> data, W = munnell()
    >>> far = W.to_frame() @ W.to_frame()
    >>> far = (far - np.diag(np.diag(far))).pipe(lambda w: w.div(w.sum(axis=1), axis=0))
    >>> y, X = np.log(data["gsp"]), np.log(data[["emp"]])
    >>> table = compare_weights(y, X, {"borders": W, "borders of borders": far}, effects="units")
    >>> round(float(table["probability"].sum()), 12)
    1.0
    """
    fits = {name: SpatialPanel(y, X, W, model=model, effects=effects, method=method) for name, W in weights.items()}
    return _table(fits, prior, "weights")


def _table(fits: Mapping[str, SpatialPanel], prior: str, label: str) -> pd.DataFrame:
    rows = []
    for name, model in fits.items():
        result = model.fit()
        k, n = len(result.params), result.n_effective
        marginal = log_marginal(model, prior)
        rows.append(
            {
                label: name,
                "loglik": result.loglik,
                "parameters": k,
                "aic": 2 * k - 2 * result.loglik,
                "bic": k * np.log(n) - 2 * result.loglik,
                "log_marginal": marginal.value,
                "rho_mean": marginal.mean,
                "rho_deviation": marginal.deviation,
            }
        )
    table = pd.DataFrame(rows)
    table["probability"] = np.exp(table["log_marginal"] - logsumexp(table["log_marginal"]))
    return table


def log_marginal(model: SpatialPanel, prior: str = "g") -> Marginal:
    """Return the log of the marginal likelihood of a model without a second spatial parameter.

    Priors: rho (or lambda) uniform on its interval, p(sigma2) = 1 / sigma2, fixed effects flat (the likelihood of the
    transformed data), and for the k coefficients either Zellner's g, N(0, n sigma2 (Z'Z)^-1), or flat. With n
    observations, A = |I - rho W|^T, S(rho) the sum of squared residuals and Q(rho) that of S y itself

        g:     Gamma(n/2) pi^(-n/2) (1 + n)^(-k/2) / D   int A [n S/(n + 1) + Q/(n + 1)]^(-n/2) drho
        flat:  Gamma(a) pi^(-a) / D   int A |Z'Z|^(-1/2) S^(-a) drho,   a = (n - k)/2

    (LeSage and Parent 2007, Geographical Analysis 39, eq. 11-13; LeSage 2014, Spatial Statistics 9, eq. 14). With
    flat coefficients two models compare only if they have the same regressors: otherwise the answer depends on their
    units of measurement. The integral is taken before its logarithm; programs that add the integral itself to the
    logarithm of its scale are off by one to three units.
    """
    require_known(prior, PRIORS, "prior", model.name)
    likelihood = model.likelihood
    free = likelihood.free
    if len(free) > 1:
        raise RongheError(f"{model.name}: log-marginals are for models with one spatial parameter, not both")
    if model.specification.method == "bias_corrected":
        raise RongheError(f"{model.name}: log-marginals belong to a likelihood; use method='lee_yu' or 'lsdv'")
    n, k = likelihood.nobs, len(model.specification.terms)
    a = n / 2 if prior == "g" else (n - k) / 2
    scale = gammaln(a) - a * np.log(np.pi) - (k / 2 * np.log(1 + n) if prior == "g" else 0.0)
    if not free:
        return Marginal(float(scale + _log_kernel(likelihood, prior, a, 0.0, "rho")), np.nan, np.nan)
    name = free[0]
    ln_det = likelihood.lag if name == "rho" else likelihood.error
    low, high = ln_det.bounds
    centre = model.fit()
    mode, error = centre.params[name], max(centre.std_errors[name], 1e-4)
    margin = 1e-9 * (high - low)
    points, terms = _integrate(
        lambda value: _log_kernel(likelihood, prior, a, value, name), low + margin, high - margin, mode, error
    )
    total = logsumexp(terms)
    share = np.exp(terms - total)
    mean = float(share @ points)
    deviation = float(np.sqrt(share @ (points - mean) ** 2))
    return Marginal(float(scale + total - np.log(high - low)), mean, deviation)


def _integrate(
    log_density: Callable[[float], float], low: float, high: float, mode: float, error: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return points and the logarithms of density times weight there, whose sum is the integral.

    Gauss-Legendre around the mode; what lies outside, a tail along the edge of the interval or another hill, is
    halved until halves and whole agree, and so is the middle where its spread is not what the information says.
    """

    def panel(start: float, end: float, count: int) -> tuple[float, float, np.ndarray, np.ndarray]:
        x, weight = np.polynomial.legendre.leggauss(count)
        points = start + (end - start) * (x + 1) / 2
        return start, end, points, np.array([log_density(p) for p in points]) + np.log(weight * (end - start) / 2)

    left, right = max(low, mode - REACH * error), min(high, mode + REACH * error)
    middle = panel(left, right, NODES)
    share = np.exp(middle[3] - logsumexp(middle[3]))
    spread = np.sqrt(share @ (middle[2] - share @ middle[2]) ** 2)
    done = [middle] if 0.5 < spread / error < 2 else []
    pending = [panel(start, end, TAIL_NODES) for start, end in ((low, left), (right, high)) if end > start]
    pending += [] if done else [middle]
    total = logsumexp(np.concatenate([p[3] for p in (*done, *pending)]))
    while pending:
        start, end, points, terms = pending.pop()
        whole = logsumexp(terms)
        if whole < total - NEGLIGIBLE or end - start < 1e-12 * (high - low):
            done.append((start, end, points, terms))
            continue
        centre = 0.5 * (start + end)
        halves = [panel(start, centre, TAIL_NODES), panel(centre, end, TAIL_NODES)]
        sum_of_halves = logsumexp(np.concatenate([half[3] for half in halves]))
        total = max(total, sum_of_halves)
        agree = abs(np.exp(sum_of_halves - total) - np.exp(whole - total)) < 1e-10
        (done if agree else pending).extend(halves)
    return np.concatenate([p[2] for p in done]), np.concatenate([p[3] for p in done])


def _log_kernel(likelihood: Likelihood, prior: str, a: float, value: float, name: str) -> float:
    """Return the logarithm of the integrand at one rho or lambda."""
    rho, lam = (value, 0.0) if name == "rho" else (0.0, value)
    point = likelihood.at(rho, lam)
    ln_det = likelihood.lag if name == "rho" else likelihood.error
    jacobian = likelihood.n_periods * likelihood.log_jacobian(ln_det, value)[0] if ln_det is not None else 0.0
    m, lead = likelihood.moments, likelihood.moments.n_lead
    products = m.products(lam)
    if prior == "flat":
        normal = products[lead:, lead:]
        return jacobian - np.linalg.slogdet(normal)[1] / 2 - a * np.log(point.ssr)
    v = np.array([1.0, -rho])[:lead]
    whole = float(v @ products[:lead, :lead] @ v)
    n = likelihood.nobs
    return jacobian - a * np.log((n * point.ssr + whole) / (n + 1))


def vuong_test(first: SpatialPanelResult, second: SpatialPanelResult, correction: str = "none") -> dict:
    """Return Vuong's test (1989, Econometrica 57, eq. 5.6) of two fitted models of which neither nests the other.

    The statistic is the difference of the log-likelihoods over its standard deviation, which is taken from the sums
    over periods: residuals of a model with the wrong W are dependent within a period, and independent over time. It
    is compared with t on T - 1 degrees of freedom. Positive values favour `first`. `correction="schwarz"` takes
    (k1 - k2)/2 ln n off the difference.
    """
    require_known(correction, ("none", "schwarz"), "correction", "Vuong test")
    a, b = first.model, second.model
    if not np.array_equal(a.panel.y, b.panel.y) or (a.specification.effects, a.specification.method) != (
        b.specification.effects,
        b.specification.method,
    ):
        raise RongheError("Vuong test: the two models need the same outcome, sample, effects and method")
    n_periods = first.n_periods
    parts = [_period_sums(result) for result in (first, second)]
    difference = first.loglik - second.loglik
    if correction == "schwarz":
        difference -= (len(first.params) - len(second.params)) / 2 * np.log(first.n_effective)
    gaps = parts[0] - parts[1]
    variance = n_periods / (n_periods - 1) * float(((gaps - gaps.mean()) ** 2).sum())
    if variance <= 1e-12 * max(1.0, abs(first.loglik)):
        raise RongheError("Vuong test: the two models fit every period alike; they cannot be told apart")
    statistic = difference / np.sqrt(variance)
    favoured = "neither is favoured"
    pvalue = float(t_pvalue(statistic, n_periods - 1))
    if pvalue < 0.05:
        favoured = "the first is favoured" if statistic > 0 else "the second is favoured"
    note = f"t, {n_periods - 1}; {favoured}"
    return {"test": "Vuong", "statistic": statistic, "df": 1, "pvalue": pvalue, "note": note}


def _period_sums(result: SpatialPanelResult) -> np.ndarray:
    """Return what each period's residuals contribute to the log-likelihood."""
    e = result.model.residuals
    return -(e**2).sum(axis=0) / (2 * result.sigma2)
