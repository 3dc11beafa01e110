"""Why an older number differs: conventions of splm, SDPDmod and spreg computed beside ours.

Each function reproduces one convention from its description and documentation; none of them is used for inference.
"""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import gammaln

from ronghe.errors import RongheError, require_known
from ronghe.linear.algebra import inverse_scaled, least_squares
from ronghe.spatial.impacts import average_multipliers
from ronghe.spatial.log_determinant.exact import log_determinant
from ronghe.spatial.results import SpatialPanelResult
from ronghe.spatial.spatial_panel import SpatialPanel
from ronghe.spatial.sufficient_statistics import lag

PACKAGES = {"splm": "splm 1.6-5", "sdpdmod": "SDPDmod 0.0.6", "spreg": "spreg 1.9.0"}
# Models in which a package's numbers differ from ours.
DIFFER = {"splm": ["sar", "sdm", "sem", "sdem"], "sdpdmod": ["sar", "sdm"], "spreg": ["sdm"]}
COLUMNS = ["quantity", "convention", "ours", "difference", "why"]


def convention_table(panel: SpatialPanel, package: str) -> pd.DataFrame:
    """Return a package's numbers for a model beside ours, both from least squares with dummies, and why they differ.

    `package` is splm, sdpdmod or spreg. A warning says that the numbers under `convention` are for comparison only.
    """
    require_known(package, PACKAGES, "package", panel.name)
    s = panel.specification
    if s.effects == "pooled":
        raise RongheError(f"{panel.name}: the packages differ in their fixed effects; choose units, time or twoways")
    if s.model not in DIFFER[package]:
        raise RongheError(
            f"{panel.name}: {package} has nothing to compare for model '{s.model}'; "
            f"its conventions differ for {', '.join(DIFFER[package])}"
        )
    result = panel.with_dummies().fit()
    rows = {"splm": _splm, "sdpdmod": _sdpdmod, "spreg": _spreg}[package](result, panel)
    table = pd.DataFrame(rows, columns=["quantity", "convention", "ours", "why"])
    warnings.warn(
        f"{panel.name}: conventions of {PACKAGES[package]}, for comparison with older numbers; the right values are "
        "in the column 'ours'",
        stacklevel=2,
    )
    return table.assign(difference=table["convention"] - table["ours"])[COLUMNS]


def _splm(result: SpatialPanelResult, model: SpatialPanel) -> list[tuple]:
    time = model.projection.has_time
    if model.specification.has_error:
        theirs = model.with_dummies(demean_first=True).fit() if time else result
        constant = result.nobs / 2 * (np.log(2 * np.pi / result.nobs) + 1)
        why = f"without its constants{', and of data demeaned before the filter' if time else ''}"
        rows = [("loglik of the error model", theirs.loglik + constant, result.loglik, why)]
        if time:
            why = "lags demeaned residuals, M(Qu), where dummies give Q(Mu)"
            rows.append(("lambda", theirs.params["lambda"], result.params["lambda"], why))
        return rows
    rows = []
    if time:
        theirs = rho_of_lagged_demeaned(result)
        rows.append(("rho", theirs, result.rho, "lags demeaned y, W(Qy), where dummies give Q(Wy)"))
    known = errors_with_rho_known(result)
    impacts = result.impacts()
    ignoring = impact_errors_without_covariance(result)
    for name in result.specification.terms:
        why = "takes rho as known: s2 (X'X)^-1 with s2 on NT - K"
        rows.append((f"std_error of {name}", known[name], result.std_errors[name], why))
    for name in result.specification.names:
        total = impacts.loc[(name, "total")]
        if name in result.specification.durbin:
            share = result.params[name] / (1 - result.rho)
            why = "a lag made by slag() counts as a regressor of its own: beta / (1 - rho)"
            rows.append((f"total effect of {name}", share, total["estimate"], why))
        why = "the block of rho with beta in the covariance taken for zero"
        rows.append((f"std_error of the total effect of {name}", ignoring[name], total["std_error"], why))
    return rows


def _sdpdmod(result: SpatialPanelResult, model: SpatialPanel) -> list[tuple]:
    rows = [("rho", rho_on_a_grid(result), result.rho, "log-determinant from a table with steps of 0.001")]
    if model.projection.has_time:
        error = error_without_projection(result)
        rows.append(("std_error of rho", error, result.std_errors["rho"], "G Z b not projected on the time effects"))
    dummies = model.with_dummies()
    kinds = ["sar", "sdm"] if model.specification.model == "sdm" else ["sar"]
    pairs = {kind: log_marginals(dummies.variant(kind)) for kind in kinds}
    for kind, (theirs, ours) in pairs.items():
        why = "adds the integral where its logarithm belongs; (2 pi)^-a where sigma2 integrated out leaves pi^-a"
        rows.append((f"log-marginal of {kind}", theirs, ours, why))
    if len(pairs) == 2:
        gaps = [pairs["sdm"][i] - pairs["sar"][i] for i in (0, 1)]
        why = "the integrals do not cancel, and (2 pi)^-a favours the larger model by ln(2) / 2 for every coefficient"
        rows.append(("log Bayes factor of sdm against sar", *gaps, why))
    return rows


def _spreg(result: SpatialPanelResult, model: SpatialPanel) -> list[tuple]:
    impacts = result.impacts()["estimate"]
    means, _ = average_multipliers(result.model.likelihood.lag, result.model.lag_matrix, result.rho)
    rows = []
    for name in model.specification.durbin:
        why = "the mean diagonal of S^-1 beta alone, without W theta"
        rows.append((f"direct effect of {name}", result.params[name] * means[0, 0], impacts[name, "direct"], why))
    return rows


def rho_of_lagged_demeaned(result: SpatialPanelResult) -> float:
    """Return the rho that maximises the dummies' likelihood with W(Qy) in place of Q(Wy)."""
    model = result.model
    projection, W = model.projection, model.lag_matrix
    Qy = projection.apply(model.panel.y)
    Z = model.moments.data[:, :, model.moments.n_lead :].reshape(Qy.size, -1)
    both = np.column_stack([Qy.ravel(), lag(W, Qy).ravel()])
    e = both - Z @ least_squares(Z, both)
    ln_det = model.likelihood.lag

    def negative(rho: float) -> float:
        squares = ((e[:, 0] - rho * e[:, 1]) ** 2).sum()
        return Qy.size / 2 * np.log(squares) - model.panel.n_periods * ln_det.derivatives(rho)[0]

    return float(minimize_scalar(negative, bounds=ln_det.bounds, method="bounded", options={"xatol": 1e-11}).x)


def errors_with_rho_known(result: SpatialPanelResult) -> pd.Series:
    """Return standard errors of the regression of S y on X and W X, as least squares programs print them."""
    m, k = result.model.moments, len(result.specification.terms)
    normal = m.plain[m.n_lead :, m.n_lead :]
    squares = float((result.model.residuals**2).sum())
    variance = squares / (result.nobs - k) * np.linalg.inv(normal)
    return pd.Series(np.sqrt(np.diag(variance)), index=list(result.specification.terms))


def impact_errors_without_covariance(result: SpatialPanelResult) -> pd.Series:
    """Return delta-method errors of total effects with the block of rho with the coefficients set to zero."""
    r = len(result.specification.terms)
    V = result.covariance.copy()
    V[:r, r], V[r, :r] = 0.0, 0.0
    table = replace(result, covariance=V).impacts()["std_error"]
    return table.xs("total", level="effect")


def rho_on_a_grid(result: SpatialPanelResult, step: float = 0.001) -> float:
    """Return the rho on a grid at which the dummies' likelihood is highest."""
    low, high = result.model.likelihood.lag.bounds
    grid = np.arange(low + step, high, step)
    values = [result.model.likelihood.at(float(rho)).loglik for rho in grid]
    return float(grid[int(np.argmax(values))])


def error_without_projection(result: SpatialPanelResult) -> float:
    """Return the standard error of rho with G Z b left as it is in the information matrix."""
    model = result.model
    m = model.moments
    Z = m.data[:, :, m.n_lead :]
    GZb = model.lag_matrix @ model.likelihood.lag.solve(model.rho, Z @ model.b)
    flat, linear = Z.reshape(-1, Z.shape[2]), GZb.reshape(-1)
    s2, k = result.sigma2, Z.shape[2]
    info = np.linalg.inv(result.covariance)
    info[:k, k] = info[k, :k] = flat.T @ linear / s2
    traces = model.lag_traces
    info[k, k] = linear @ linear / s2 + model.panel.n_periods * (traces.gg + traces.gtg)
    return float(np.sqrt(inverse_scaled(info)[k, k]))


def log_marginals(model: SpatialPanel, step: float = 0.001) -> tuple[float, float]:
    """Return the log-marginal with flat priors as those programs compute it, and with both slips mended.

    On a grid of rho the integrand is divided by its maximum exp(c). They sum (x1 + x0)(f1 - f0)/2, take c plus that
    sum for the logarithm of the integral, and write (2 pi)^-a with a = (NT - k - effects)/2.
    """
    likelihood, projection = model.likelihood, model.projection
    k = len(model.specification.terms)
    a = (model.panel.y.size - k - projection.n_absorbed(model.panel.n_units, model.panel.n_periods)) / 2
    ln_det, lead = log_determinant(model.weights), likelihood.moments.n_lead
    low, high = ln_det.bounds
    grid = np.arange(low + step, high, step)
    jacobian = np.array([likelihood.n_periods * ln_det.derivatives(float(r))[0] for r in grid])
    values = jacobian - a * np.log([likelihood.at(float(r)).ssr for r in grid])
    top = values.max()
    f = np.exp(values - top)
    normal = likelihood.moments.plain[lead:, lead:]
    constant = top + gammaln(a) - np.log(high - low) - np.linalg.slogdet(normal)[1] / 2
    theirs = float(np.sum((grid[1:] + grid[:-1]) * np.diff(f)) / 2) - a * np.log(2 * np.pi)
    ours = np.log(np.sum((f[1:] + f[:-1]) * np.diff(grid)) / 2) - a * np.log(np.pi)
    return constant + theirs, float(constant + ours)
