"""Exact fits of many subsets of regressors on one outcome, sample, W and effects, out of their cross-products."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ronghe.errors import RongheError, require_known
from ronghe.spatial.batch.newton import Jacobian, LagProfile, climb, starts
from ronghe.spatial.batch.spectrum import Spectrum
from ronghe.spatial.batch.subset_fits import SubsetFits
from ronghe.spatial.equation import CONSTANT, MODELS
from ronghe.spatial.log_determinant.exact import log_determinant
from ronghe.spatial.projection import Projection
from ronghe.spatial.sufficient_statistics import COLLINEAR, VANISHING, lag
from ronghe.weights.matrix import Weights

BATCHED = ("ols", "slx", "sar", "sem", "sdm", "sdem")
# Spectra are dense: beyond this size one fit after the other by SpatialPanel is the better tool.
LARGEST = 1500
# Why a fit has no numbers, in the order of the codes; the first means that it has.
REFUSALS = ("", "absorbed", "collinear", "too_few_rows", "edge")
# Points of the first look at the likelihood of lambda; each costs one inverse for each fit.
ERROR_GRID = 15


@dataclass(frozen=True)
class Specifications:
    """Projected columns D = Q[y, W y, X, W X] of one sample, and their products D'D, for all subsets of regressors.

    `y` is (unit, period), `X` (unit, period, column), in the order of W. A subset names columns of X by place; the
    Durbin models take the lag of each. With `replaced` some columns differ from draw to draw: `values` (draw, column,
    cell) stand in for the columns at `places`, and `products` has one matrix for each draw.
    """

    names: tuple[str, ...]
    projection: Projection
    method: str
    shape: tuple[int, int]
    weights: Weights | None
    raw: np.ndarray
    flat: np.ndarray
    products: np.ndarray
    vanished: np.ndarray
    places: tuple[int, ...] = ()
    values: np.ndarray | None = None

    @classmethod
    def of(
        cls,
        y: np.ndarray,
        X: np.ndarray,
        names: Sequence[str],
        W: Weights | None,
        effects: str = "twoways",
        method: str = "lee_yu",
        where: str = "specifications",
    ) -> Specifications:
        """Build lags, project, multiply out: in this order, as the ordinary engine does."""
        require_known(method, ["lee_yu", "lsdv"], "method", where)
        projection = Projection(effects)
        if len(y) > LARGEST:
            raise RongheError(f"{where}: at most {LARGEST} units at once; use SpatialPanel for each specification")
        if W is not None and projection.has_time and not W.is_row_standardised:
            raise RongheError(
                f"{where}: the rows of '{W.name}' do not all sum to one, which time effects ask for here; choose "
                "weights standardised by row, effects: units, or SpatialPanel with method='lsdv'"
            )
        if effects == "pooled":
            X, names = np.concatenate([X, np.ones((*y.shape, 1))], axis=2), (*names, CONSTANT)
        own = np.concatenate([y[:, :, None], X], axis=2)
        lagged = np.zeros_like(own) if W is None else lag(W.sparse, own)
        data = np.concatenate([own[:, :, :1], lagged[:, :, :1], own[:, :, 1:], lagged[:, :, 1:]], axis=2)
        shell = cls(tuple(names), projection, method, y.shape, W, data, *[np.empty(0)] * 3)
        return shell._projected(data)

    def _projected(self, data: np.ndarray) -> Specifications:
        flat = self.projection.apply(data).reshape(-1, data.shape[2])
        products = flat.T @ flat
        size = np.einsum("ntk,ntk->k", data, data)
        vanished = np.diag(products) <= VANISHING**2 * size
        return replace(self, flat=flat, products=products[None], vanished=vanished)

    def with_columns(self, variables: Sequence[int], draws: np.ndarray) -> Specifications:
        """Return the same with these columns of X (and their lags) drawn anew: draws (draw, variable, unit, period)."""
        P = len(draws)
        N, T = self.shape
        stacked = np.moveaxis(draws.reshape(-1, N, T), 0, 2)
        both = [stacked] if self.weights is None else [stacked, lag(self.weights.sparse, stacked)]
        both = [self.projection.apply(part, in_place=True).reshape(N * T, P, -1).transpose(1, 2, 0) for part in both]
        places = [self.own(v) for v in variables]
        places += [self.lagged_place(v) for v in variables] if self.weights is not None else []
        values = np.ascontiguousarray(np.concatenate(both, axis=1))
        flat = self.flat.copy()
        flat[:, places] = 0.0
        products = np.repeat((flat.T @ flat)[None], P, axis=0)
        crossed = values @ flat
        products[:, places, :] = crossed
        products[:, :, places] = crossed.transpose(0, 2, 1)
        products[np.ix_(range(P), places, places)] = values @ values.transpose(0, 2, 1)
        return replace(self, flat=flat, products=products, places=tuple(places), values=values)

    def own(self, variables: np.ndarray | int) -> np.ndarray | int:
        """Return the columns of D that hold regressors."""
        return 2 + variables

    def lagged_place(self, variables: np.ndarray | int) -> np.ndarray | int:
        """Return the columns of D that hold the lags of regressors."""
        return 2 + len(self.names) + variables

    @cached_property
    def size(self) -> tuple[int, int]:
        """Observations and periods that count in the likelihood."""
        return self.projection.effective_size(*self.shape, self.method)

    @cached_property
    def jacobian(self) -> Jacobian:
        """The log-determinant of W as the likelihood counts it."""
        edge = float(self.projection.has_time and self.method == "lee_yu")
        spectrum = Spectrum(self.weights.sparse.toarray(), self.projection.has_time)
        return Jacobian(spectrum, log_determinant(self.weights).bounds, self.size[1], edge)

    @cached_property
    def filtered(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Q W D, and the products D'WD + (WD)'D and (WD)'WD: a spatial error is filtered first, then projected."""
        lagged = self.projection.apply(lag(self.weights.sparse, self.raw), in_place=True).reshape(self.flat.shape)
        crossed = self.flat.T @ lagged
        return lagged, crossed + crossed.T, lagged.T @ lagged

    def combine(self, coefficients: np.ndarray, columns: np.ndarray, draw: np.ndarray | None) -> np.ndarray:
        """Return D times coefficients (fit, coefficient) that belong to columns (fit, coefficient), as (fit, cell)."""
        full = np.zeros((len(coefficients), self.flat.shape[1]))
        np.put_along_axis(full, columns, coefficients, axis=1)
        found = full @ self.flat.T
        for k, place in enumerate(self.places):
            used = full[:, place]
            if used.any():
                found += used[:, None] * self.values[draw, k]
        return found

    def fit(self, model: str, subsets: np.ndarray, draw: np.ndarray | None = None) -> SubsetFits:
        """Fit one model to subsets (fit, regressor) of one size; the first regressor is the one of interest."""
        require_known(model, BATCHED, "model", "specifications")
        has_lag, durbin, has_error = MODELS[model]
        if self.weights is None and model != "ols":
            raise RongheError(f"specifications: model '{model}' needs weights W")
        if has_error and self.places:
            raise RongheError(f"specifications: model '{model}' does not take columns that differ from draw to draw")
        subsets = np.atleast_2d(np.asarray(subsets, dtype=np.intp))
        columns = [self.own(subsets), *([self.lagged_place(subsets)] if durbin else [])]
        if self.projection.effects == "pooled":
            columns.append(np.full((len(subsets), 1), self.own(len(self.names) - 1)))
        columns = np.concatenate(columns, axis=1)
        refused = self._refusals(columns, len(columns[0]) + has_lag + has_error)
        shared = self, model, subsets.shape[1], columns, draw
        if has_error:
            return self._fit_error(shared, refused)
        inverse, refused = self._invert(self._block(self.products, columns, columns, draw), refused)
        lead = np.broadcast_to([0, 1] if has_lag else [0], (len(columns), 1 + has_lag))
        right = self._block(self.products, columns, lead, draw)
        b = inverse @ right
        squares = self.products[:, :2, :2] if self.values is None else self.products[draw][:, :2, :2]
        left = squares[:, : 1 + has_lag, : 1 + has_lag] - right.transpose(0, 2, 1) @ b
        profile, rho = None, np.zeros(len(columns))
        solved, ssr = b[:, :, 0], left[:, 0, 0]
        if has_lag:
            safe = np.where(refused[:, None, None] > 0, np.eye(2), left)
            profile = LagProfile(self.jacobian, self.size[0], safe[:, 0, 0], safe[:, 0, 1], safe[:, 1, 1])
            rho = profile.maximise()
            solved, ssr = solved - rho[:, None] * b[:, :, 1], profile.ssr(rho)
            refused = np.where((refused == 0) & self.jacobian.at_edge(rho), REFUSALS.index("edge"), refused)
        return SubsetFits(
            *shared, solved, rho, ssr, inverse, b[:, :, 1] if has_lag else None, profile, refused.astype(np.int8)
        )

    def _refusals(self, columns: np.ndarray, extra: int) -> np.ndarray:
        """Return a code for each fit: zero, or why the effects or the number of rows forbid it."""
        N, T = self.shape
        free = N * T - self.projection.n_absorbed(N, T) - extra
        refused = np.where(self.vanished[columns].any(axis=1), REFUSALS.index("absorbed"), 0)
        return refused if free > 0 else np.full(len(columns), REFUSALS.index("too_few_rows"))

    @staticmethod
    def _block(products: np.ndarray, rows: np.ndarray, columns: np.ndarray, draw: np.ndarray | None) -> np.ndarray:
        if draw is None or len(products) == 1:
            return products[0][rows[:, :, None], columns[:, None, :]]
        return products[draw[:, None, None], rows[:, :, None], columns[:, None, :]]

    @staticmethod
    def _invert(A: np.ndarray, refused: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return inverses after scaling, and the codes with collinear subsets marked: a variance inflated 1e11 times."""
        K = A.shape[1]
        A = np.where(refused[:, None, None] > 0, np.eye(K), A)
        scale = 1 / np.sqrt(np.einsum("bkk->bk", A))
        outer = scale[:, :, None] * scale[:, None, :]
        A *= outer
        try:
            inverse = np.linalg.inv(A)
        except np.linalg.LinAlgError:
            singular = np.linalg.matrix_rank(A, hermitian=True) < K
            inverse = np.linalg.inv(np.where(singular[:, None, None], np.eye(K), A))
            refused = np.where(singular, REFUSALS.index("collinear"), refused)
        inflation = np.einsum("bkk->bk", inverse)
        bad = ((inflation >= 1 / COLLINEAR) | (inflation < 0.999)).any(axis=1)
        inverse[bad] = np.eye(K)
        return inverse * outer, np.where((refused == 0) & bad, REFUSALS.index("collinear"), refused)

    def _fit_error(self, shared: tuple, refused: np.ndarray) -> SubsetFits:
        """Find lambda of u = lambda W u + e: a grid for its hills, then Newton steps on the filtered products."""
        columns = shared[3]
        _, refused = self._invert(self._block(self.products, columns, columns, None), refused)
        profile = ErrorProfile.of(self, np.where(refused[:, None] > 0, columns[refused == 0][:1], columns))
        lam = profile.maximise()
        inverse, b, ssr, moved, _ = profile.solve(lam)
        refused = np.where((refused == 0) & self.jacobian.at_edge(lam), REFUSALS.index("edge"), refused)
        return SubsetFits(*shared, b, lam, ssr, inverse, -moved, profile, refused.astype(np.int8))


@dataclass(frozen=True)
class ErrorProfile:
    """The likelihood concentrated on lambda: products of the filtered columns R[y, Z] are quadratic in lambda.

    R = I - lambda W, filtered before the projection. Each array holds the three coefficients first.
    """

    jacobian: Jacobian
    nobs: int
    yy: np.ndarray
    Zy: np.ndarray
    ZZ: np.ndarray

    @classmethod
    def of(cls, data: Specifications, columns: np.ndarray) -> ErrorProfile:
        """Gather the products of each fit."""
        _, mixed, twice = data.filtered
        parts = [data.products[0], -mixed, twice]
        return cls(
            data.jacobian,
            data.size[0],
            np.array([p[0, 0] for p in parts]),
            np.stack([p[columns, 0] for p in parts]),
            np.stack([p[columns[:, :, None], columns[:, None, :]] for p in parts]),
        )

    def part(self, chosen: np.ndarray) -> ErrorProfile:
        """Return the profile of some of the fits."""
        return replace(self, Zy=self.Zy[:, chosen], ZZ=self.ZZ[:, chosen])

    def solve(self, lam: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return (Z'Z)^-1, b, S, db/dlambda, and the two derivatives of S."""
        a, A = lam[:, None], lam[:, None, None]
        ZZ = self.ZZ[0] + A * (self.ZZ[1] + A * self.ZZ[2])
        Zy = self.Zy[0] + a * (self.Zy[1] + a * self.Zy[2])
        scale = 1 / np.sqrt(np.einsum("bkk->bk", ZZ))
        outer = scale[:, :, None] * scale[:, None, :]
        inverse = np.linalg.inv(ZZ * outer) * outer
        b = np.matmul(inverse, Zy[:, :, None])[:, :, 0]
        ssr = self.yy[0] + lam * (self.yy[1] + lam * self.yy[2]) - np.einsum("bk,bk->b", b, Zy)
        gap = self.Zy[1] + 2 * a * self.Zy[2] - np.matmul(self.ZZ[1] + 2 * A * self.ZZ[2], b[:, :, None])[:, :, 0]
        moved = np.matmul(inverse, gap[:, :, None])[:, :, 0]
        twice = np.matmul(self.ZZ[2], b[:, :, None])[:, :, 0]
        first = self.yy[1] + 2 * lam * self.yy[2] - np.einsum("bk,bk->b", b, self.Zy[1] + 2 * a * self.Zy[2] + gap)
        second = self.yy[2] + np.einsum("bk,bk->b", b, twice - 2 * self.Zy[2]) - np.einsum("bk,bk->b", gap, moved)
        return inverse, b, ssr, moved, np.stack([first, 2 * second])

    def heights(self, grid: np.ndarray) -> np.ndarray:
        """Return the concentrated likelihood as (fit, point)."""
        jacobian, n_fits = self.jacobian.value(grid), self.Zy.shape[1]
        ssr = np.stack([self.solve(np.full(n_fits, a))[2] for a in grid], axis=1)
        return jacobian - 0.5 * self.nobs * np.log(ssr)

    def maximise(self) -> np.ndarray:
        """Return lambda at the global maximum; where a first look sees two hills, a closer one finds their places."""
        grid = self.jacobian.grid(ERROR_GRID)
        start, several, _ = starts(self.heights(grid), grid)
        lam = climb(start, self.jacobian.inner, self._derivatives)
        if len(several):
            part, fine = self.part(several), self.jacobian.grid(41)
            first, two, second = starts(part.heights(fine), fine)
            lam[several] = climb(first, self.jacobian.inner, part._derivatives)
            if len(two):
                part, chosen = part.part(two), several[two]
                other = climb(second, self.jacobian.inner, part._derivatives)
                lam[chosen] = np.where(part._height(other) > part._height(lam[chosen]), other, lam[chosen])
        return lam

    def slopes(self, lam: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the two derivatives of S."""
        return tuple(self.solve(lam)[4])

    def _height(self, lam: np.ndarray) -> np.ndarray:
        return self.jacobian.value(lam) - 0.5 * self.nobs * np.log(self.solve(lam)[2])

    def _derivatives(self, active: np.ndarray, a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        _, _, ssr, _, (first, second) = self.part(active).solve(a)
        value, curve = self.jacobian.derivatives(a)
        half = 0.5 * self.nobs
        return value - half * first / ssr, curve - half * (second / ssr - (first / ssr) ** 2)
