"""Exact fits of many subsets of regressors on one outcome, sample, W and effects, out of their cross-products."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ronghe.errors import RongheError, require_known
from ronghe.spatial.batch.columns import Columns
from ronghe.spatial.batch.error_profile import ErrorProfile
from ronghe.spatial.batch.newton import Jacobian, LagProfile
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


@dataclass(frozen=True)
class Specifications:
    """Projected columns D = Q[y, W y, X, W X] of one sample, and their products D'D, for all subsets of regressors.

    `y` is (unit, period), `X` (unit, period, column), in the order of W. A subset names columns of X by place; the
    Durbin models take the lag of each. `with_columns` lets some columns differ from draw to draw.
    """

    names: tuple[str, ...]
    projection: Projection
    method: str
    weights: Weights | None
    raw: np.ndarray
    columns: Columns
    vanished: np.ndarray
    drawn: np.ndarray | None = None

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
        flat = projection.apply(data).reshape(-1, data.shape[2])
        vanished = np.einsum("nk,nk->k", flat, flat) <= VANISHING**2 * np.einsum("ntk,ntk->k", data, data)
        return cls(tuple(names), projection, method, W, data, Columns(flat), vanished)

    def with_columns(self, variables: Sequence[int], draws: np.ndarray) -> Specifications:
        """Return the same with these columns of X (and their lags) drawn anew: draws (draw, variable, unit, period)."""
        places = tuple(self.own(np.array(variables)).tolist())
        stacked = np.moveaxis(draws.reshape(-1, *self.shape), 0, 2)
        parts = [stacked]
        if self.weights is not None:
            places += tuple(self.lagged_place(np.array(variables)).tolist())
            parts.append(lag(self.weights.sparse, stacked))
        columns = self.columns.replaced(places, self._by_draw(parts, len(draws)))
        return replace(self, columns=columns, drawn=stacked)

    def _by_draw(self, parts: list[np.ndarray], n_draws: int) -> np.ndarray:
        """Return projected values (draw, variable, cell) of parts (unit, period, draw and variable)."""
        flat = [self.projection.apply(part).reshape(len(self.columns.flat), n_draws, -1) for part in parts]
        return np.concatenate(flat, axis=2).transpose(1, 2, 0)

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of units and periods."""
        return self.raw.shape[:2]

    @cached_property
    def products(self) -> np.ndarray:
        """D'D, one for all or one for each draw."""
        return self.columns.products(self.columns)

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
    def lagged(self) -> Columns:
        """Q W D, for a spatial error: it is filtered first, then projected."""
        lagged = self.projection.apply(lag(self.weights.sparse, self.raw), in_place=True)
        columns = Columns(lagged.reshape(self.columns.flat.shape))
        if self.drawn is None:
            return columns
        once = lag(self.weights.sparse, self.drawn)
        parts = [once, lag(self.weights.sparse, once)]
        return columns.replaced(self.columns.places, self._by_draw(parts, len(self.columns.values)))

    @cached_property
    def filtered(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Products of D - lambda Q W D: the coefficients of 1, lambda and lambda squared."""
        crossed = self.columns.products(self.lagged)
        return self.products, -crossed - crossed.transpose(0, 2, 1), self.lagged.products(self.lagged)

    def fit(self, model: str, subsets: np.ndarray, draw: np.ndarray | None = None) -> SubsetFits:
        """Fit one model to subsets (fit, regressor) of one size; the first regressor is the one of interest."""
        require_known(model, BATCHED, "model", "specifications")
        has_lag, durbin, has_error = MODELS[model]
        if self.weights is None and model != "ols":
            raise RongheError(f"specifications: model '{model}' needs weights W")
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
        left = self._block(self.products, lead, lead, draw) - right.transpose(0, 2, 1) @ b
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
        A = np.where((refused > 0)[:, None, None], np.eye(K), A)
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
        columns, draw = shared[3:]
        whole = np.concatenate([columns, np.zeros((len(columns), 1), dtype=np.intp)], axis=1)
        blocks = np.stack([self._block(p, whole, whole, draw) for p in self.filtered])
        _, refused = self._invert(blocks[0, :, :-1, :-1].copy(), refused)
        blocks[:, refused > 0] = np.stack([np.eye(blocks.shape[2]), *np.zeros((2, *blocks.shape[2:]))])[:, None]
        profile = ErrorProfile(self.jacobian, self.size[0], blocks)
        lam = profile.maximise()
        inverse, b, ssr, moved, _ = profile.solve(lam)
        refused = np.where((refused == 0) & self.jacobian.at_edge(lam), REFUSALS.index("edge"), refused)
        return SubsetFits(*shared, b, lam, ssr, inverse, -moved, profile, refused.astype(np.int8))
