"""Tests on the residuals of a panel without spatial terms: LM and robust LM, Moran's I, Pesaran's CD."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import linalg
from scipy.special import chdtrc, ndtr

from ronghe.errors import RongheError, listing, require_known
from ronghe.spatial.grid import WeightsLike, read_panel_arrays
from ronghe.spatial.projection import EFFECTS, Projection
from ronghe.weights.matrix import Weights

METHODS = ["lsdv", "lee_yu"]
COLUMNS = ["test", "statistic", "df", "pvalue", "note"]


@dataclass(frozen=True)
class WithinFit:
    """A least-squares fit with fixed effects: blocks of units x periods, in the order of the weights."""

    W: Weights
    effects: str
    y: np.ndarray
    residuals: np.ndarray
    basis: np.ndarray
    periods: tuple[Hashable, ...]

    def series(self) -> pd.Series:
        """Return the residuals by unit and period."""
        index = pd.MultiIndex.from_product([self.W.labels, self.periods])
        return pd.Series(self.residuals.ravel(), index=index)

    @property
    def projection(self) -> Projection:
        """The projection off the fixed effects."""
        return Projection(self.effects)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of units and of periods."""
        return self.residuals.shape

    def with_outcome(self, y: np.ndarray) -> WithinFit:
        """Return the fit of another outcome (unit, period) to the same regressors."""
        return replace(self, y=y, residuals=self.remove(y))

    def remove(self, block: np.ndarray) -> np.ndarray:
        """Take the fixed effects and the regressors out of a block: multiply by M = Q - X (X'X)^-1 X'.

        Done twice: the second pass takes out what rounding left, which matters where the level dwarfs the residual.
        """
        for _ in range(2):
            block = self.projection.apply(block - block.mean())
            block = block - (self.basis @ (self.basis.T @ block.ravel())).reshape(block.shape)
        return block


def fit_within(y: pd.Series, X: pd.DataFrame, W: WeightsLike, effects: str) -> WithinFit:
    """Regress y on X and fixed effects; a pooled fit has an intercept, so X holds none."""
    require_known(effects, EFFECTS, "effects", "residual tests")
    W = Weights.coerce(W)
    panel = read_panel_arrays(y, X, W.labels, "residual tests")
    raw = panel.X.reshape(-1, len(panel.names))
    within = Projection(effects).apply(panel.X).reshape(raw.shape)
    within = within - within.mean(axis=0)
    _refuse_collinear(within, raw, list(panel.names), effects)
    basis, _ = np.linalg.qr(within)
    if effects == "pooled":
        basis = np.column_stack([np.full(len(within), len(within) ** -0.5), basis])
    fit = WithinFit(W, effects, panel.y, panel.y, basis, panel.periods).with_outcome(panel.y)
    if np.linalg.norm(fit.residuals) <= 1e-12 * np.linalg.norm(panel.y):
        raise RongheError(
            f"residual tests: effects ({effects}) and regressors explain '{y.name}' in full: no residual is left; "
            "choose another outcome, or leave out a regressor"
        )
    return fit


def _refuse_collinear(within: np.ndarray, raw: np.ndarray, names: list[str], effects: str) -> None:
    """Refuse regressors that the effects absorb or the others span, by name."""
    scale = np.linalg.norm(raw, axis=0)
    left = np.linalg.norm(within, axis=0)
    absorbed = [n for n, a, b in zip(names, left, scale, strict=True) if a <= 1e-10 * b]
    if absorbed:
        raise RongheError(f"residual tests: no variation beyond {effects} effects: {listing(absorbed)}; leave out")
    if len(within) <= len(names):
        raise RongheError(f"residual tests: {len(within)} rows are too few for {len(names)} regressors")
    R, pivot = linalg.qr(within / left, mode="r", pivoting=True)
    weak = [names[pivot[k]] for k in range(len(names)) if abs(R[k, k]) <= 1e-10]
    if weak:
        raise RongheError(f"residual tests: {listing(weak)} repeat the other regressors; leave them out")


def lm_tests(y: pd.Series, X: pd.DataFrame, W: Weights, effects: str = "twoways", method: str = "lsdv") -> pd.DataFrame:
    """Test for a spatial lag and spatial errors by LM and robust LM (Anselin 1988; Anselin et al. 1996, eq. 9-16).

    y, X are keyed by (unit, period). The lag of the fitted values is taken before the effects are removed,
    M W (X b + effects), which is what a regression with explicit dummies gives; lagging demeaned fitted values gives
    another number with time effects. `lsdv` takes sigma2 = e'e / NT and tr = T tr(W'W + WW). `lee_yu` takes the
    likelihood of the transformed data (Lee and Yu 2010): N(T-1), (N-1)T or (N-1)(T-1) observations and the
    transformed W, whose trace with time effects is -1 a period and not 0. It moves the scores and keeps the tests
    right in size, while `lsdv` leaves them off centre by that much.
    """
    return pd.DataFrame(lm_rows(fit_within(y, X, W, effects), method), columns=COLUMNS)


def lm_rows(fit: WithinFit, method: str) -> list[dict]:
    """Return the rows of `lm_tests` of a fit."""
    sparse_W, e = fit.W.sparse, fit.residuals
    if sparse_W.nnz == 0:
        raise RongheError(f"{fit.W.name}: no edges, nothing to test")
    nobs, centre, trace = sizes(fit.W, fit.shape, fit.effects, method)
    sigma2 = np.sum(e * e) / nobs
    d_lag = np.sum(e * fit.remove(sparse_W @ fit.y)) / sigma2 - centre
    d_error = np.sum(e * (sparse_W @ e)) / sigma2 - centre
    lagged_fit = fit.remove(sparse_W @ (fit.y - e))
    J = np.sum(lagged_fit**2) / sigma2 + trace
    robust_lag = (d_lag - d_error) ** 2 / (J - trace) if J > trace * (1 + 1e-12) else np.nan
    robust_error = (d_error - trace / J * d_lag) ** 2 / (trace * (1 - trace / J)) if J > trace else np.nan
    lag, error = d_lag**2 / J, d_error**2 / trace
    rows = [
        ("lm_lag", lag, 1),
        ("lm_error", error, 1),
        ("robust_lm_lag", robust_lag, 1),
        ("robust_lm_error", robust_error, 1),
        ("lm_sarma", error + robust_lag, 2),
    ]
    note = f"{fit.effects}, {method}"
    return [dict(zip(COLUMNS, (t, s, df, chdtrc(df, s), note), strict=True)) for t, s, df in rows]


def lm_table(
    y: pd.Series, X: pd.DataFrame, W: Weights, effects: Iterable[str] = EFFECTS, method: str = "lsdv"
) -> pd.DataFrame:
    """Return the LM tests for several kinds of effects in one table, with a column `effects`."""
    tables = [lm_tests(y, X, W, kind, method).drop(columns="note").assign(effects=kind) for kind in effects]
    return pd.concat(tables, ignore_index=True)[["effects", "test", "statistic", "df", "pvalue"]]


def sizes(W: Weights, shape: tuple[int, int], effects: str, method: str) -> tuple[int, float, float]:
    """Return the number of observations, tr(V), and tr(VV + V'V) - 2 tr(V)^2 / n, the information on rho.

    V is W, or its transform, over all periods; the last term is there because sigma2 is estimated too.
    """
    require_known(method, METHODS, "method", "residual tests")
    n_units, n_periods = shape
    by_time = method == "lee_yu" and effects in ("time", "twoways")
    by_unit = method == "lee_yu" and effects in ("units", "twoways")
    if by_time and not W.is_row_standardised:
        raise RongheError(
            f"{W.name}: method 'lee_yu' with time effects needs rows that sum to one; "
            "standardise by row, or use method 'lsdv'"
        )
    periods = n_periods - by_unit
    nobs, first = (n_units - by_time) * periods, -float(periods * by_time)
    return nobs, first, periods * sum(_traces(W, by_time)) - 2 * first**2 / nobs


def _traces(W: Weights, centred: bool) -> tuple[float, float]:
    """Return tr(AWAW) and tr(AWA W') with A the identity, or the centring matrix I - 11'/N."""
    sparse_W, n = W.sparse, W.n
    square, product = float(sparse_W.multiply(sparse_W.T).sum()), float(np.sum(sparse_W.data**2))
    if centred:
        rows, columns = W.row_sums, np.asarray(sparse_W.sum(axis=0)).ravel()
        square += -2 * columns @ rows / n + (rows.sum() / n) ** 2
        product += -(rows @ rows) / n - columns @ columns / n + (rows.sum() / n) ** 2
    return square, product


def residual_moran(y: pd.Series, X: pd.DataFrame, W: Weights, effects: str = "twoways") -> pd.DataFrame:
    """Test the residuals by Moran's I with the exact moments under normal errors (Cliff and Ord 1981, section 8.3).

    I = (NT / S0) e'(W x I_T)e / e'e. Mean and variance rest on M, the projection off the effects and the
    regressors, so that the dependence which demeaning itself creates is allowed for.
    """
    fit = fit_within(y, X, W, effects)
    return pd.DataFrame([moran_row(fit, moran_moments(fit))])


def moran_moments(fit: WithinFit) -> tuple[float, float]:
    """Return mean and standard deviation of Moran's I of residuals, which do not depend on the outcome."""
    sparse_W, degrees = fit.W.sparse, _degrees_of_freedom(fit)
    lagged = np.stack([sparse_W @ b.reshape(fit.shape) for b in fit.basis.T])
    transposed = np.stack([sparse_W.T @ b.reshape(fit.shape) for b in fit.basis.T])
    G = _inner(fit.basis, lagged)
    mean_form, square, product = _projected_traces(fit, lagged, transposed, G)
    variance = (square + product + mean_form**2) / (degrees * (degrees + 2)) - (mean_form / degrees) ** 2
    scale = fit.W.n / sparse_W.sum()
    return scale * mean_form / degrees, scale * np.sqrt(variance)


def moran_row(fit: WithinFit, moments: tuple[float, float]) -> dict:
    """Return the row of `residual_moran` of a fit."""
    sparse_W, e, (mean, std) = fit.W.sparse, fit.residuals, moments
    moran = fit.W.n / sparse_W.sum() * np.sum(e * (sparse_W @ e)) / np.sum(e * e)
    z = (moran - mean) / std
    row = {"test": "residual_moran", "statistic": moran, "expected": mean, "std_error": std, "z": z}
    return {**row, "pvalue": 2 * ndtr(-abs(z)), "note": f"{fit.effects}, two-sided, normal errors"}


def _degrees_of_freedom(fit: WithinFit) -> int:
    """Return the trace of M."""
    n_units, n_periods = fit.shape
    rows = n_units - (fit.effects in ("time", "twoways"))
    columns = n_periods - (fit.effects in ("units", "twoways"))
    return rows * columns - fit.basis.shape[1]


def _inner(basis: np.ndarray, blocks: np.ndarray) -> np.ndarray:
    """Return the products of every basis vector with every block."""
    return basis.T @ blocks.reshape(len(blocks), -1).T


def _projected_traces(
    fit: WithinFit, lagged: np.ndarray, transposed: np.ndarray, G: np.ndarray
) -> tuple[float, float, float]:
    """Return tr(MV), tr(MVMV) and tr(MVMV') with V = W x I_T, M = Q - BB', without forming any of them.

    Q is A x C with A, C the identity or a centring matrix, so its traces are products of small ones.
    """
    centred = fit.effects in ("time", "twoways")
    periods = fit.shape[1] - (fit.effects in ("units", "twoways"))
    square, product = (periods * t for t in _traces(fit.W, centred))
    first = -periods * fit.W.row_sums.sum() / fit.W.n if centred else 0.0
    left = np.stack([fit.projection.apply(b) for b in lagged]).reshape(len(lagged), -1)
    right = np.stack([fit.projection.apply(b) for b in transposed]).reshape(len(lagged), -1)
    return (
        first - np.trace(G),
        square - 2 * np.sum(right * left) + np.sum(G * G.T),
        product - np.sum(left * left) - np.sum(right * right) + np.sum(G * G),
    )


def pesaran_cd(residuals: pd.Series, W: Weights | None = None) -> pd.DataFrame:
    """Test a panel of residuals for cross-section dependence (Pesaran 2015, eq. 6); with W also among neighbours only.

    CD = sqrt(2 / (N(N-1))) sum_{i<j} sqrt(T) r_ij is standard normal under independence. After time effects it is
    biased downwards (Juodis and Reese 2022): residuals that sum to zero over units correlate negatively.
    """
    wide = residuals.unstack()
    if not np.isfinite(wide.to_numpy(float)).all():
        raise RongheError("pesaran_cd: the panel of residuals has gaps; balance it first")
    values = wide.to_numpy(float)
    n_units, n_periods = values.shape
    if n_units < 2 or n_periods < 2:
        raise RongheError(f"pesaran_cd: needs two units and two periods, not {n_units} and {n_periods}")
    values = values - values.mean(axis=1, keepdims=True)
    length = np.linalg.norm(values, axis=1, keepdims=True)
    flat = wide.index[length.ravel() <= 1e-12 * np.abs(wide.to_numpy(float)).max()]
    if len(flat):
        raise RongheError(f"pesaran_cd: no variation over time in {listing(flat)}")
    values = values / length
    # The sum over pairs follows from the column sums, so no N x N matrix is formed.
    pairs = (np.sum(values.sum(axis=0) ** 2) - n_units) / 2
    rows = [("pesaran_cd", np.sqrt(2 * n_periods / (n_units * (n_units - 1))) * pairs)]
    if W is not None:
        near = W.align(wide.index).sparse
        near = ((near + near.T) > 0).astype(float)
        links = near.sum() / 2
        rows.append(("pesaran_cd_neighbors", np.sqrt(n_periods / links) * np.sum(values * (near @ values)) / 2))
    note = "standard normal under independence; biased downwards after time effects"
    return pd.DataFrame([(t, s, np.nan, 2 * ndtr(-abs(s)), note) for t, s in rows], columns=COLUMNS)
