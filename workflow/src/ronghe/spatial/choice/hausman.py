"""Fixed or random unit effects: Hausman tests of spatial panels that cannot turn negative."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, require_known
from ronghe.linear.algebra import inverse_scaled
from ronghe.linear.inference import chi2_pvalue
from ronghe.spatial.grid import WeightsLike
from ronghe.spatial.hypothesis_rows import coded_tests
from ronghe.spatial.random_effects.information import Components
from ronghe.spatial.random_effects.panel import RandomEffectsPanel, period_dummies
from ronghe.spatial.spatial_panel import SpatialPanel

MODELS = ("ols", "slx", "sar", "sdm", "sem", "sdem")
# Directions in which the two estimators differ by less than this share carry no information.
RANK = 1e-9


def hausman_tests(
    y: pd.Series,
    X: pd.DataFrame,
    W: WeightsLike,
    model: str = "sdm",
    errors: str = "baltagi",
    time_effects: bool = True,
) -> pd.DataFrame:
    """Return the likelihood-based Hausman test and the regression-based one of a spatial panel; codes hausman, mundlak.

    With `time_effects` both models have dummies for the periods.
    """
    require_known(model, MODELS, "model", "Hausman test")
    dummies = period_dummies(y) if time_effects else pd.DataFrame(index=y.index)
    data = (y, X, W, model, errors, dummies)
    return coded_tests({"hausman": hausman_test(*data), "mundlak": mundlak_test(*data)})


def hausman_test(y: pd.Series, X: pd.DataFrame, W: WeightsLike, model: str, errors: str, dummies: pd.DataFrame) -> dict:
    """Return d' (V_W - V_R)^- d, d the difference of within and random-effects estimates of (beta, theta, rho).

    Both covariances are taken at the random-effects estimates. There the information of the random-effects
    likelihood is that of the within likelihood plus that of the between stratum, so that V_W - V_R is positive
    semi-definite in every sample; evaluated each at its own estimates, as Hausman (1978, eq. 3.3) is often applied,
    it is not. Lambda is left out: the between stratum says next to nothing about it, so that V_W - V_R vanishes there
    and what remains of d is of higher order.
    """
    together = pd.concat([X, dummies], axis=1)
    lags = list(map(str, X.columns)) if model in ("slx", "sdm", "sdem") else None
    within = SpatialPanel(y, together, W, model=model, effects="units", method="lee_yu", durbin=lags).fit()
    panel = RandomEffectsPanel(y, together, W, model, errors, durbin=lags)
    fitted, _ = panel.maximum()
    places, names = panel.parameters
    theta = np.concatenate([fitted.beta, [fitted.rho, fitted.lam, fitted.sigma2, fitted.sigma2_units]])
    random = pd.Series(theta[places], index=names)
    shared = [n for n in names if n in within.params.index and n not in (*dummies.columns, "lambda", "sigma2")]
    V_W, V_R = covariances_at(panel, fitted)
    difference = (V_W - V_R).loc[shared, shared].to_numpy()
    d = (within.params[shared] - random[shared]).to_numpy()
    scale = 1 / np.sqrt(np.diag(V_W.loc[shared, shared]))
    values, vectors = np.linalg.eigh(difference * np.outer(scale, scale))
    kept = values > RANK
    projected = vectors[:, kept].T @ (scale * d)
    statistic, df = float(projected**2 @ (1 / values[kept])), int(kept.sum())
    if not df:
        raise RongheError("Hausman test: the between stratum carries no information; the two estimators are the same")
    return {
        "test": "Hausman: fixed against random effects",
        "statistic": statistic,
        "df": df,
        "pvalue": chi2_pvalue(statistic, df),
        "note": f"{model}, both covariances at the random-effects estimates",
    }


def covariances_at(panel: RandomEffectsPanel, fitted: Components) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the covariances of the within and of the random-effects estimates at the latter's parameters."""
    names = [*panel.specification.terms, "rho", "lambda", "sigma2", "sigma2_units"]
    whole = pd.DataFrame(panel.information(fitted), index=names, columns=names)
    inner = pd.DataFrame(panel.information(fitted, within_only=True), index=names, columns=names)
    present = panel.parameters[1]
    both = [n for n in present if n != "sigma2_units"]
    varying = [n for n in both if inner.at[n, n] > 1e-12 * whole.at[n, n]]
    return _inverse(inner.loc[varying, varying]), _inverse(whole.loc[present, present])


def _inverse(information: pd.DataFrame) -> pd.DataFrame:
    inverse = inverse_scaled(information.to_numpy())
    return pd.DataFrame(inverse, index=information.index, columns=information.columns)


def mundlak_test(y: pd.Series, X: pd.DataFrame, W: WeightsLike, model: str, errors: str, dummies: pd.DataFrame) -> dict:
    """Return the Wald test that the unit means of the regressors do not enter the random-effects model.

    The regression form of Hausman's test (Mundlak 1978; Arellano 1993, eq. 8); in models with Durbin terms the lags
    of the means are tested too. Regressors that do not vary over time have no mean of their own.
    """
    means = X.groupby(level=0).transform("mean")
    moving = [c for c in X if float((X[c] - means[c]).abs().max()) > 1e-10 * float(X[c].abs().max())]
    added = means[moving].rename(columns=lambda name: f"mean of {name}")
    together = pd.concat([X, dummies, added], axis=1)
    lags = None
    if model in ("slx", "sdm", "sdem"):
        lags = [*map(str, X.columns), *added.columns]
    result = RandomEffectsPanel(y, together, W, model, errors, durbin=lags).fit()
    tested = [n for n in result.names if n.removeprefix("W*") in added.columns]
    b, V = result.params[tested].to_numpy(), result.cov.loc[tested, tested].to_numpy()
    statistic = float(b @ np.linalg.solve(V, b))
    return {
        "test": "Mundlak: unit means of the regressors",
        "statistic": statistic,
        "df": len(tested),
        "pvalue": chi2_pvalue(statistic, len(tested)),
        "note": f"{model}, regression form of Hausman's test",
    }
