"""Sigma and beta convergence of a variable over regions: absolute, conditional, and with neighbours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import stdtr

from ronghe.errors import RongheError, listing, require_known
from ronghe.explore.regional_values import by_region_and_year, group_of, require_amounts
from ronghe.frames import check_panel, select_columns
from ronghe.late_imports import UNUSED_BY_PYSAL, late
from ronghe.measures.formulas.growth import growth
from ronghe.weights import Weights

SPATIAL_FORMS = ("lag", "error", "durbin")
ALL = "all"
# spreg's covariance is dense: beyond this many regions our engine takes over, with the same numbers (to 1e-6).
DENSE = 500
MODELS = {"lag": "sar", "error": "sem", "durbin": "sdm"}


def _positive(values: pd.Series, what: str) -> pd.DataFrame:
    """Return regions x years, refusing zero and negative values, which have no logarithm."""
    panel = by_region_and_year(values)
    require_amounts(panel.stack().rename(values.name), what, zero=False)
    return panel


def sigma_convergence(values: pd.Series, groups: pd.Series | None = None) -> dict[str, pd.DataFrame]:
    """Return the spread of a variable over regions by year, over all and within groups, and its trend.

    `spread`: `sd_log` (standard deviation of logarithms), `variation` (sd / mean), `sd`, all with n - 1. `trend`:
    slope of each on the year by least squares, with t and p; a negative slope is sigma convergence (Barro and
    Sala-i-Martin 1992). The p-value takes years as independent, so with few years it is a guide and no more.
    """
    panel = _positive(values, "sigma convergence")
    members = {ALL: panel.index}
    if groups is not None:
        of = group_of(panel.index, groups)
        members |= {name: panel.index[(of == name).to_numpy()] for name in sorted(of.unique())}
    single = [name for name, regions in members.items() if len(regions) < 2]
    if single:
        raise RongheError(
            f"sigma convergence: one region has no spread: {listing(single)}; join these groups to others"
        )
    spread = {}
    for name, regions in members.items():
        part = panel.loc[regions]
        columns = {"sd_log": np.log(part).std(), "variation": part.std() / part.mean(), "sd": part.std()}
        spread[name] = pd.DataFrame(columns).rename_axis("year")
    trend = {name: pd.DataFrame({m: _trend(frame[m]) for m in frame}).T for name, frame in spread.items()}
    return {
        "spread": pd.concat(spread, names=["group"]),
        "trend": pd.concat(trend, names=["group", "measure"]),
    }


def _trend(series: pd.Series) -> pd.Series:
    """Return slope, standard error, t and p of a least-squares line over the years."""
    t = series.index.to_numpy(float)
    t, y, df = t - t.mean(), series.to_numpy() - series.mean(), len(series) - 2
    slope = t @ y / (t @ t)
    if df < 1:
        return pd.Series({"slope": slope, "std_error": np.nan, "statistic": np.nan, "pvalue": np.nan})
    error = np.sqrt(np.sum((y - slope * t) ** 2) / df / (t @ t))
    statistic = slope / error if error > 0 else np.nan
    pvalue = 2 * stdtr(df, -abs(statistic))
    return pd.Series({"slope": slope, "std_error": error, "statistic": statistic, "pvalue": pvalue})


def speed_of(beta: float, error: float, years: float) -> dict[str, float]:
    """Return speed theta = -ln(1 + beta T) / T with its delta-method error, and the half-life ln 2 / theta.

    From growth per year = a - (1 - exp(-theta T)) / T ln y_0 (Barro and Sala-i-Martin 1992, eq. 11). Missing
    where 1 + beta T is not positive; there is no half-life where regions diverge.
    """
    left = 1 + beta * years
    if not left > 0:
        return {"speed": np.nan, "speed_error": np.nan, "half_life": np.nan}
    speed = -np.log(left) / years
    return {"speed": speed, "speed_error": error / left, "half_life": np.log(2) / speed if speed > 0 else np.nan}


def _rows(
    names: Sequence[str], estimates: ArrayLike, errors: ArrayLike, statistics: ArrayLike, pvalues: ArrayLike
) -> pd.DataFrame:
    parts = (np.asarray(part, float).ravel() for part in (estimates, errors, statistics, pvalues))
    columns = dict(zip(("estimate", "std_error", "statistic", "pvalue"), parts, strict=True))
    return pd.DataFrame(columns, index=pd.Index(names, name="term"))


def _require_variation(left: pd.DataFrame, X: pd.DataFrame, rows: int, form: str) -> None:
    """Refuse regressors that do not vary, or only together, in what is left of `X`, or as many as there are rows."""
    scale = np.sqrt((X**2).sum()).replace(0.0, 1.0)
    if rows <= X.shape[1] or np.linalg.matrix_rank((left / scale).to_numpy(), tol=1e-10) < X.shape[1]:
        raise RongheError(
            f"beta convergence, {form}: {listing(X.columns)} cannot be told apart over {len(X)} rows; they are "
            "constant, the same, or too many; leave out a control, or take more regions or years"
        )


def _cross_section(y: pd.Series, X: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, float]]:
    """Least squares over regions with HC3 errors and t, which hold best at few observations."""
    from statsmodels.regression.linear_model import OLS

    fit = OLS(y.to_numpy(), np.column_stack([np.ones(len(y)), X])).fit(cov_type="HC3", use_t=True)
    names = ["constant", *X.columns]
    return _rows(names, fit.params, fit.bse, fit.tvalues, fit.pvalues), {"loglik": fit.llf, "rsquared": fit.rsquared}


def _spatial(y: pd.Series, X: pd.DataFrame, weights: Weights, form: str) -> tuple[pd.DataFrame, dict[str, float]]:
    """Maximum likelihood with a spatial lag, a spatial error, or a lag and W x: by spreg, of many regions by ours."""
    if len(y) > DENSE:
        return _sparse(y, X, weights, form)
    with late(*UNUSED_BY_PYSAL):
        from spreg import ML_Error, ML_Lag

    w = weights.to_graph().to_W()
    # The graph holds the weights as they are; spreg must not scale them again.
    w.transform = "O"
    estimator = ML_Error if form == "error" else ML_Lag
    options = {"slx_lags": 1} if form == "durbin" else {}
    fit = estimator(y.to_numpy()[:, None], X.to_numpy(), w=w, method="full", **options)
    lagged = [f"W*{name}" for name in X.columns] if form == "durbin" else []
    names = ["constant", *X.columns, *lagged, "lambda" if form == "error" else "rho"]
    statistics = np.array(fit.z_stat)
    quality = {"loglik": float(fit.logll), "rsquared": float(fit.pr2)}
    return _rows(names, fit.betas, fit.std_err, statistics[:, 0], statistics[:, 1]), quality


def _sparse(y: pd.Series, X: pd.DataFrame, weights: Weights, form: str) -> tuple[pd.DataFrame, dict[str, float]]:
    """Return what spreg would, as a panel of one period without effects; no array of regions x regions is formed."""
    from ronghe.spatial.spatial_panel import SpatialPanel

    index = pd.MultiIndex.from_product([X.index, [0]], names=["region", "year"])
    model = SpatialPanel(y.set_axis(index), X.set_axis(index), weights, MODELS[form], effects="pooled", method="lsdv")
    fit = model.fit(cov_type="expected")
    table = fit.tidy().set_index("term").drop(index="sigma2").rename(index={"const": "constant"})
    b = table["estimate"]
    shown = b["constant"] + X @ b[list(X.columns)]
    if form != "error":
        shown = shown + b["rho"] * weights.lag(y)
    if form == "durbin":
        shown = shown + weights.lag(X) @ b[[f"W*{name}" for name in X.columns]].to_numpy()
    quality = {"loglik": float(fit.loglik), "rsquared": float(np.corrcoef(shown, y)[0, 1] ** 2)}
    return table[["estimate", "std_error", "statistic", "pvalue"]], quality


def _panel_form(values: pd.Series, controls: pd.DataFrame | None) -> tuple[pd.DataFrame, dict[str, float], int]:
    """Within regression of yearly growth on the level of the year before, with region and year effects."""
    from linearmodels.panel import PanelOLS

    data = growth(values).dropna()
    X = data[["initial"]]
    if controls is not None:
        X = X.join(controls.groupby("region").shift().loc[data.index])
    within = X - X.groupby("region").transform("mean") - X.groupby("year").transform("mean") + X.mean()
    effects = X.index.unique("region").size + X.index.unique("year").size - 1
    _require_variation(within, X, len(X) - effects, "panel form")
    fit = PanelOLS(data["growth"], X, entity_effects=True, time_effects=True).fit(
        cov_type="clustered", cluster_entity=True
    )
    table = _rows(list(X.columns), fit.params, fit.std_errors, fit.tstats, fit.pvalues)
    return table, {"loglik": float(fit.loglik), "rsquared": float(fit.rsquared)}, len(data)


def beta_convergence(
    values: pd.Series,
    controls: pd.DataFrame | None = None,
    weights: Weights | None = None,
    forms: Sequence[str] = SPATIAL_FORMS,
) -> dict[str, pd.DataFrame]:
    """Return regressions of growth on the initial level: `coefficients` and `speeds` by conditioning and form.

    Conditioning `absolute` (no controls) and, with `controls` (by region and year), `conditional`. Forms:

    - `cross_section`: growth per year from first to last year on ln y_0 and the controls of the first year, HC3;
    - `panel`: ln(y_t / y_{t-1}) on ln y_{t-1} and last year's controls with region and year effects, errors
      clustered by region; the within estimator overstates convergence in short panels (Nickell 1981);
    - with `weights`: `lag`, `error`, `durbin` of the cross section by maximum likelihood (Rey and Montouri 1999). In
      lag and durbin beta is the effect before spillovers return; the spatial panel form is a specification of the
      models stage with a measure of kind `growth` as outcome.

    A negative beta is convergence. All terms are in logs of the variable, so it must be positive.
    """
    for form in forms:
        require_known(form, SPATIAL_FORMS, "spatial form", "beta convergence")
    panel = _positive(values, "beta convergence")
    first, last = panel.columns[0], panel.columns[-1]
    years = float(last - first)
    if len(panel.columns) < 3:
        raise RongheError(
            f"beta convergence of '{values.name}': {len(panel.columns)} years; the panel form needs growth in two, so "
            "give three years or more"
        )
    outcome = np.log(panel[last] / panel[first]) / years
    initial = np.log(panel[[first]]).set_axis(["initial"], axis=1)
    sets: dict[str, pd.DataFrame | None] = {"absolute": None}
    if controls is not None:
        sets["conditional"] = check_panel(controls, "controls of beta convergence").reindex(values.sort_index().index)
    W = None if weights is None else Weights.coerce(weights).align(panel.index)
    coefficients, speeds = {}, {}
    for conditioning, known in sets.items():
        X = initial if known is None else initial.join(check_panel(known).xs(first, level="year"))
        _require_variation(X - X.mean(), X, len(X) - 1, "cross section")
        found = {"cross_section": (*_cross_section(outcome, X), years, len(panel))}
        table, quality, nobs = _panel_form(values.sort_index(), known)
        found["panel"] = (table, quality, 1.0, nobs)
        for form in forms if W is not None else ():
            found[form] = (*_spatial(outcome, X, W, form), years, len(panel))
        for form, (table, quality, span, nobs) in found.items():
            coefficients[conditioning, form] = table
            beta = table.loc["initial"]
            pace = speed_of(beta["estimate"], beta["std_error"], span)
            speeds[conditioning, form] = {"beta": beta["estimate"], **pace, **quality, "nobs": nobs, "years": span}
    keys = ["conditioning", "form"]
    table = pd.DataFrame.from_dict(speeds, orient="index")
    table.index = pd.MultiIndex.from_tuples(table.index, names=keys)
    return {"coefficients": pd.concat(coefficients, names=keys), "speeds": table}


def describe_convergence(
    panel: pd.DataFrame,
    regions: pd.DataFrame,
    variable: str,
    weights: Weights | None = None,
    controls: Sequence[str] | None = None,
    group: str = "macro_region",
    forms: Sequence[str] = SPATIAL_FORMS,
) -> dict[str, pd.DataFrame]:
    """Return sigma convergence over all regions and by a column of `regions`, and beta convergence in all its forms."""
    panel = select_columns(panel, [variable, *(controls or ())], "convergence")
    require_known(group, regions.columns, "column of the regions table", "convergence: group")
    values = panel[variable]
    known = panel[list(controls)] if controls else None
    beta = beta_convergence(values, known, weights, forms)
    return {**sigma_convergence(values, regions[group]), **beta}
