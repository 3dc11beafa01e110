"""New outcomes drawn from a fitted model: static, random-effects or dynamic."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, require_known
from ronghe.spatial.dynamic.results import DynamicResults
from ronghe.spatial.log_determinant.base import LogDeterminant
from ronghe.spatial.postestimation.fixed_effects import recover, structural_part
from ronghe.spatial.random_effects.panel import RandomEffectsResults
from ronghe.spatial.results import SpatialPanelResult
from ronghe.spatial.sufficient_statistics import lag

DISTURBANCES = ("normal", "residuals")
# Numbers drawn and solved at once, in whole blocks, so that a draw is the same to the last bit however many are asked.
BLOCK = 65_536


def simulate(
    result: SpatialPanelResult | RandomEffectsResults | DynamicResults,
    draws: int = 1,
    seed: int = 0,
    disturbances: str = "normal",
) -> pd.DataFrame:
    """Return `draws` outcomes from the fitted model, one column each, in the order of the rows that came in.

    Disturbances are normal with the estimated variance, or the model's own residuals, centred, rescaled to that
    variance and drawn with replacement. Fixed effects are kept as estimated; random ones are drawn anew.

    >>> from ronghe.spatial import SpatialPanel, munnell, simulate
    >>> data, W = munnell()
    >>> result = SpatialPanel.from_formula("log(gsp) ~ log(emp) + unemp | units", data, W).fit()
    >>> simulate(result, draws=2, seed=1).shape
    (816, 2)
    """
    require_known(disturbances, DISTURBANCES, "disturbances", "simulate")
    generator = np.random.default_rng(seed)
    if isinstance(result, SpatialPanelResult):
        draw, panel = _static, result.model.panel
    elif isinstance(result, RandomEffectsResults):
        draw, panel = _random_effects, result.model.panel
    elif isinstance(result, DynamicResults):
        draw, panel = _dynamic, result.process.panel
    else:
        raise RongheError(f"simulate: no way to draw from {type(result).__name__}")
    at_once = max(BLOCK // panel.y.size, 1)
    blocks = draw(result, generator, disturbances, at_once)
    drawn = np.empty((draws, len(panel.index)))
    for start in range(0, draws, at_once):
        block = next(blocks)[: draws - start]
        if panel.observed is not None:
            block = np.where(panel.observed, block, np.nan)
        drawn[start : start + at_once] = block.reshape(len(block), -1)[:, panel.rows]
    columns = [f"draw {i}" for i in range(draws)]
    return pd.DataFrame(drawn.T, index=panel.index, columns=columns, copy=False)


def _disturb(
    shape: tuple[int, ...], sigma2: float, residuals: np.ndarray, generator: np.random.Generator, kind: str
) -> np.ndarray:
    if kind == "normal":
        return np.sqrt(sigma2) * generator.standard_normal(shape)
    pool = residuals.ravel() - residuals.mean()
    return generator.choice(pool * np.sqrt(sigma2 / np.mean(pool**2)), size=shape)


def _solved(filter: LogDeterminant | None, at: float, values: np.ndarray) -> np.ndarray:
    """Return (I - a W)^-1 times arrays (draw, unit, period); without a filter the arrays themselves."""
    if filter is None:
        return values
    flat = np.moveaxis(values, 1, 0).reshape(values.shape[1], -1)
    return np.moveaxis(filter.solve(at, flat).reshape(values.shape[1], len(values), -1), 0, 1)


def _static(result: SpatialPanelResult, generator: np.random.Generator, kind: str, draws: int) -> Iterator[np.ndarray]:
    """Yield blocks of S^-1 (X b + W X theta + effects + (I - lambda M)^-1 e)."""
    model = result.model
    expected = structural_part(result) + recover(result).surface
    while True:
        e = _disturb((draws, *model.panel.y.shape), result.sigma2, model.residuals, generator, kind)
        e = _solved(model.likelihood.error, model.lam, e)
        yield _solved(model.likelihood.lag, model.rho, expected + e)


def _random_effects(
    result: RandomEffectsResults, generator: np.random.Generator, kind: str, draws: int
) -> Iterator[np.ndarray]:
    """Yield blocks with new unit effects, inside or outside the error's filter by the kind of errors."""
    c, panel, likelihood = result.components, result.model.panel, result.model.likelihood
    u = result.residual_array
    within = u - u.mean(axis=1, keepdims=True)
    if likelihood.spatial_error is not None:
        within = within - c.lam * lag(result.model.error_weights.sparse, within)
    expected = np.einsum("k,ktn->nt", c.beta, result.model.regressors)
    while True:
        e, mu = np.empty((draws, *panel.y.shape)), np.empty((draws, panel.n_units, 1))
        for k in range(draws):
            e[k] = _disturb(panel.y.shape, c.sigma2, within, generator, kind)
            mu[k] = np.sqrt(c.sigma2_units) * generator.standard_normal((panel.n_units, 1))
        if c.error == "kkp":
            u = _solved(likelihood.spatial_error, c.lam, mu + e)
        else:
            u = mu + _solved(likelihood.spatial_error, c.lam, e)
        yield _solved(likelihood.lag, c.rho, expected + u)


def _dynamic(result: DynamicResults, generator: np.random.Generator, kind: str, draws: int) -> Iterator[np.ndarray]:
    """Yield blocks drawn period by period from the first observed one, which is kept."""
    process, form = result.process, result.reduced_form()
    y, W, (phi, psi) = process.panel.y, process.weights.sparse, form.persistence
    expected = form.structural(process.panel.X[:, 1:]) + form.effects.surface
    shape = (draws, *expected.shape)
    while True:
        whole = expected + _disturb(shape, result.params["sigma2"], result.residual_array, generator, kind)
        drawn = np.empty((draws, *y.shape))
        drawn[:, :, 0] = y[:, 0]
        for t in range(whole.shape[2]):
            past = drawn[:, :, t].T
            drawn[:, :, t + 1] = form.solve(whole[:, :, t].T + phi * past + psi * (W @ past)).T
        yield drawn
