"""Sufficient statistics of a spatial panel: projected columns y, Wy, X, WX (and M times these) and their products."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from ronghe.errors import RongheError, listing
from ronghe.spatial.projection import Projection

# A projected column is nothing but rounding if its size is below this share of the raw column's.
VANISHING = 1e-11
# Share of a column's variation that the others must leave unexplained.
COLLINEAR = 1e-11
# Share of a column's sum of squares that must be variation about its mean, in a model with a constant.
LEVEL = 1e-9


@dataclass(frozen=True)
class Moments:
    """Projected data D = Q[y, Wy, X, WX] and its products; with a spatial error also Q M [y, Wy, X, WX].

    With a = (1, -rho, -b), the residual of the general nesting model is e = (D - lambda D_lagged) a, so that for any
    (rho, lambda) the likelihood needs only these products: D'D, D'D_lagged + D_lagged'D, D_lagged'D_lagged.
    """

    columns: tuple[str, ...]
    data: np.ndarray
    lagged: np.ndarray | None
    plain: np.ndarray
    mixed: np.ndarray | None
    twice: np.ndarray | None
    has_lag: bool

    @property
    def n_lead(self) -> int:
        """Number of columns before the regressors: y, and Wy where the model has a lag."""
        return 1 + self.has_lag

    def products(self, lam: float) -> np.ndarray:
        """Return the products of the filtered columns R D, R = I - lambda M."""
        if self.mixed is None or lam == 0.0:
            return self.plain
        return self.plain - lam * self.mixed + lam**2 * self.twice

    def filtered(self, lam: float) -> np.ndarray:
        """Return the filtered columns themselves."""
        return self.data if self.lagged is None or lam == 0.0 else self.data - lam * self.lagged

    def select(self, columns: Sequence[str], has_lag: bool, has_error: bool) -> Moments:
        """Return the statistics of a smaller model on the same sample, without another pass over the data."""
        place = [self.columns.index(c) for c in columns]
        block = np.ix_(place, place)
        error = has_error and self.mixed is not None
        return replace(
            self,
            columns=tuple(columns),
            data=self.data[:, :, place],
            lagged=self.lagged[:, :, place] if error else None,
            plain=self.plain[block],
            mixed=self.mixed[block] if error else None,
            twice=self.twice[block] if error else None,
            has_lag=has_lag,
        )


def lag(W: sparse.sparray, values: np.ndarray) -> np.ndarray:
    """Return W applied to every period and column of an array (unit, period[, column])."""
    return (W @ values.reshape(values.shape[0], -1)).reshape(values.shape)


def build_moments(
    y: np.ndarray,
    X: np.ndarray,
    names: Sequence[str],
    durbin: Sequence[str],
    W: sparse.sparray | None,
    M: sparse.sparray | None,
    has_lag: bool,
    projection: Projection,
    where: str,
    demean_first: bool = False,
) -> Moments:
    """Build lags, then project, then multiply out: in this order, so that Q(Wy) is what enters, never W(Qy).

    The same holds for the lags M of a spatial error: Q R y is what explicit dummies leave. `demean_first` takes R Q y
    instead, as packages that demean the data and hand them to a cross-section estimator do; with time effects the two
    differ, and the second is not the maximum of the likelihood with dummies.
    """
    n_units, n_periods, _ = X.shape
    n_lead = 1 + has_lag
    picked = [list(names).index(name) for name in durbin]
    columns = ("y", *(["W*y"] * has_lag), *names, *(f"W*{name}" for name in durbin))
    data = np.empty((n_units, n_periods, len(columns)))
    data[:, :, 0] = y
    if has_lag:
        data[:, :, 1] = lag(W, y)
    data[:, :, n_lead : n_lead + len(names)] = X
    if picked:
        source = X if picked == list(range(X.shape[2])) else np.ascontiguousarray(X[:, :, picked])
        data[:, :, n_lead + len(names) :] = lag(W, source)
    lagged = lag(M, data) if M is not None and not demean_first else None
    raw = np.einsum("ntk,ntk->k", data, data)
    projection.apply(data, in_place=True)
    flat = data.reshape(-1, len(columns))
    plain = flat.T @ flat
    _check_rank(plain, raw, columns, n_lead, projection, where)
    if M is None:
        return Moments(columns, data, None, plain, None, None, has_lag)
    lagged = lag(M, data) if lagged is None else projection.apply(lagged, in_place=True)
    flat_lagged = lagged.reshape(-1, len(columns))
    crossed = flat.T @ flat_lagged
    return Moments(columns, data, lagged, plain, crossed + crossed.T, flat_lagged.T @ flat_lagged, has_lag)


def _check_rank(
    products: np.ndarray, raw: np.ndarray, columns: tuple[str, ...], n_lead: int, projection: Projection, where: str
) -> None:
    """Refuse columns that the fixed effects absorb, or that other columns explain, by name."""
    size = np.diag(products)
    gone = [columns[k] for k in np.flatnonzero(size <= VANISHING**2 * raw) if k != 1 or n_lead == 1]
    if gone:
        reason = {
            "pooled": "zero everywhere",
            "units": "constant within every unit",
            "time": "the same for all units in every period",
            "twoways": "the sum of a unit part and a period part",
        }[projection.effects]
        name = ", ".join("the outcome" if c == "y" else c for c in gone)
        raise RongheError(
            f"{where}: {reason}, so that effects='{projection.effects}' leave nothing of it: {name}. "
            "Leave it out or choose other effects"
        )
    if "const" in columns:
        _check_levels(products, columns, where)
    scale = np.sqrt(size[n_lead:])
    correlation = products[n_lead:, n_lead:] / np.outer(scale, scale)
    try:
        # The square of a pivot is what the columns before leave of its column.
        if np.diag(np.linalg.cholesky(correlation)).min(initial=1.0) ** 2 > 10 * COLLINEAR:
            return
    except np.linalg.LinAlgError:
        pass
    kept: list[int] = []
    for k in range(len(scale)):
        weights = np.linalg.solve(correlation[np.ix_(kept, kept)], correlation[kept, k]) if kept else np.empty(0)
        if 1.0 - correlation[kept, k] @ weights <= COLLINEAR:
            others = [columns[n_lead + j] for j, w in zip(kept, weights, strict=True) if abs(w) > 1e-6]
            raise RongheError(
                f"{where}: '{columns[n_lead + k]}' is a linear combination of {listing(others)}"
                f"{'' if projection.effects == 'pooled' else ' once the fixed effects are out'}; leave one of them out"
            )
        kept.append(k)


def require_identified(moments: Moments, where: str) -> None:
    """Refuse weights that only multiply the outcome: with equal weights W y = -y / (N - 1) once its mean is out.

    The likelihood then knows rho or lambda from the Jacobian alone, and not from the data (two units with time effects,
    weights that are the same between all pairs).
    """
    pairs = []
    if moments.has_lag:
        pairs.append(("rho", moments.plain[0, 1], moments.plain[1, 1]))
    if moments.mixed is not None:
        pairs.append(("lambda", moments.mixed[0, 0] / 2, moments.twice[0, 0]))
    for name, crossed, lagged in pairs:
        if lagged > 0 and crossed**2 >= (1 - COLLINEAR) * moments.plain[0, 0] * lagged:
            raise RongheError(
                f"{where}: with these effects the weights only multiply the outcome, so that the data say nothing "
                f"about {name}; use more units, weights that differ between pairs, or a model without {name}"
            )


def _check_levels(products: np.ndarray, columns: tuple[str, ...], where: str) -> None:
    """Refuse columns whose level so dwarfs their variation that products with the constant lose the latter's digits."""
    one = columns.index("const")
    size = np.diag(products)
    variation = 1.0 - products[one] ** 2 / (size * size[one])
    far = [columns[k] for k in np.flatnonzero((variation > 0) & (variation <= LEVEL)) if k != one]
    if far:
        names = listing("the outcome" if c == "y" else c for c in far)
        raise RongheError(
            f"{where}: in a pooled model the level of {names} is more than 30,000 times its spread, and digits would "
            "be lost; subtract a round number from it (this changes the constant), or leave it out if it does not vary"
        )
