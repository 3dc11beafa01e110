"""Likelihood-ratio and Wald tests between nested spatial panels, and for the presence of fixed effects."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ronghe.errors import RongheError
from ronghe.linear.inference import chi2_pvalue, f_pvalue
from ronghe.spatial.equation import MODELS
from ronghe.spatial.grid import WeightsLike
from ronghe.spatial.hypothesis_rows import coded_tests
from ronghe.spatial.restrictions import REDUCTIONS, reduction, wald
from ronghe.spatial.results import SpatialPanelResult
from ronghe.spatial.spatial_panel import SpatialPanel


def lr_test(restricted: SpatialPanelResult, whole: SpatialPanelResult) -> dict:
    """Return the likelihood-ratio test of one fitted model within another; refuse a pair that does not nest."""
    _check_nested(restricted, whole)
    df = len(whole.params) - len(restricted.params)
    statistic = 2 * (whole.loglik - restricted.loglik)
    if statistic < -1e-6 * abs(whole.loglik):
        raise RongheError(
            f"LR test: the likelihood of '{restricted.specification.model}' exceeds that of the model it is nested in "
            f"by {-statistic / 2:.3g}; one of the two is no maximum"
        )
    statistic = max(statistic, 0.0)
    name = f"LR: {whole.specification.model} against {restricted.specification.model}"
    return {"test": name, "statistic": statistic, "df": df, "pvalue": chi2_pvalue(statistic, df)}


def _check_nested(restricted: SpatialPanelResult, whole: SpatialPanelResult) -> None:
    r, w = restricted.specification, whole.specification
    where = f"LR test of '{r.model}' within '{w.model}'"
    if (r.effects, r.method) != (w.effects, w.method):
        raise RongheError(f"{where}: effects and method differ ({r.effects}, {r.method}; {w.effects}, {w.method})")
    if not np.array_equal(restricted.model.panel.y, whole.model.panel.y):
        raise RongheError(f"{where}: the two were not fitted to the same outcome and sample")
    if not set(r.names) <= set(w.names):
        raise RongheError(f"{where}: the smaller model has regressors that the larger lacks")
    parts = [a <= b for a, b in zip(MODELS[r.model], MODELS[w.model], strict=True)]
    common_factor = (r.model, w.model) == ("sem", "sdm") and set(w.durbin) == set(w.names) - {"const"}
    inside = all(parts) and set(r.durbin) <= set(w.durbin)
    if not (inside or common_factor) or len(r.parameters) >= len(w.parameters):
        raise RongheError(f"{where}: it is not nested there")


def wald_restriction(result: SpatialPanelResult, to: str) -> dict:
    """Return the Wald test that a Durbin model reduces to `to` (sar, sem, slx, ols), with the covariance chosen."""
    gap, gradient = reduction(result.specification, result.names, result.values, to)
    return wald(gap, gradient, result.covariance, f"Wald: sdm against {to} ({REDUCTIONS[to]})")


def nested_tests(
    y: pd.Series,
    X: pd.DataFrame,
    W: WeightsLike,
    effects: str = "twoways",
    method: str = "lee_yu",
    durbin: Sequence[str] | None = None,
    cov_type: str = "expected",
) -> pd.DataFrame:
    """Return LR and Wald tests of the Durbin model against SAR, SEM, SLX and OLS; codes lr_sar, wald_sar, ..."""
    whole = SpatialPanel(y, X, W, model="sdm", effects=effects, method=method, durbin=durbin).fit(cov_type)
    tests = {}
    for to in REDUCTIONS:
        picked = durbin if to == "slx" else None
        if to == "sem" and set(whole.specification.durbin) != set(whole.specification.names) - {"const"}:
            continue
        small = SpatialPanel(y, X, W, model=to, effects=effects, method=method, durbin=picked).fit()
        tests[f"lr_{to}"] = lr_test(small, whole) | {"note": REDUCTIONS[to]}
        tests[f"wald_{to}"] = wald_restriction(whole, to)
    return coded_tests(tests)


def fixed_effects_tests(
    y: pd.Series, X: pd.DataFrame, W: WeightsLike, model: str = "sdm", durbin: Sequence[str] | None = None
) -> pd.DataFrame:
    """Return LR and F tests for unit effects, time effects and both, alone and given the other.

    LR compares the likelihoods with dummies (Elhorst 2014, eq. 3.19-3.20). It rejects too often where effects are
    many: N - 1 restrictions with T periods behind each. F = (SSR_0 - SSR_1)/q / (SSR_1/(NT - K)) of S y on the
    regressors, at the rho (and lambda) of the model with the effects, has no such fault. Codes: lr_units, f_units,
    lr_units_given_time, ...
    """
    kinds = ("pooled", "units", "time", "twoways")
    fits = {k: SpatialPanel(y, X, W, model=model, effects=k, method="lsdv", durbin=durbin).fit() for k in kinds}
    n_units, n_periods = fits["pooled"].n_units, fits["pooled"].n_periods
    pairs = {
        "units": ("unit effects", "pooled", "units", n_units - 1),
        "units_given_time": ("unit effects given time effects", "time", "twoways", n_units - 1),
        "time": ("time effects", "pooled", "time", n_periods - 1),
        "time_given_units": ("time effects given unit effects", "units", "twoways", n_periods - 1),
        "twoways": ("unit and time effects", "pooled", "twoways", n_units + n_periods - 2),
    }
    tests = {}
    for code, (name, without, with_, df) in pairs.items():
        statistic = 2 * (fits[with_].loglik - fits[without].loglik)
        pvalue = chi2_pvalue(statistic, df)
        tests[f"lr_{code}"] = {"test": f"LR: {name}", "statistic": statistic, "df": df, "pvalue": pvalue}
        tests[f"f_{code}"] = _f_test(name, fits[without], fits[with_], df)
    return coded_tests(tests)


def _f_test(name: str, without: SpatialPanelResult, with_: SpatialPanelResult, df: int) -> dict:
    rho, lam = with_.model.rho, with_.model.lam
    ssr_0, ssr_1 = (fit.model.likelihood.at(rho, lam).ssr for fit in (without, with_))
    absorbed = with_.model.projection.n_absorbed(with_.n_units, with_.n_periods)
    df2 = with_.nobs - absorbed - len(with_.specification.terms)
    statistic = (ssr_0 - ssr_1) / df / (ssr_1 / df2)
    return {
        "test": f"F: {name}",
        "statistic": statistic,
        "df": df,
        "pvalue": f_pvalue(statistic, df, df2),
        "note": f"F, {df2:g}; at the rho of the model with them",
    }
