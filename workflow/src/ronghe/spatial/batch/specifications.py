"""Exact fits of many subsets of regressors on one outcome, sample, W and effects, out of their cross-products."""

from __future__ import annotations

import numpy as np

from ronghe.errors import RongheError, require_known
from ronghe.spatial.batch.bordered_profile import BorderedProfile
from ronghe.spatial.batch.error_profile import EXPLAINED, ErrorProfile
from ronghe.spatial.batch.newton import LagProfile
from ronghe.spatial.batch.shared_columns import REFUSALS, SharedColumns
from ronghe.spatial.batch.subset_fits import SubsetFits
from ronghe.spatial.equation import MODELS
from ronghe.spatial.sufficient_statistics import COLLINEAR

BATCHED = ("ols", "slx", "sar", "sem", "sdm", "sdem")
# A share of the outcome's sum of squares before the projection that is rounding.
VANISHED = 1e-15
# Columns of which the others leave this share are far from repeating them.
DISTINCT = 1e-3


class Specifications(SharedColumns):
    """Shared columns, and how any model is fitted to any subsets of them."""

    def fit(self, model: str, subsets: np.ndarray, draw: np.ndarray | None = None) -> SubsetFits:
        """Fit one model to subsets (fit, regressor) of one size; the first regressor is the one of interest."""
        require_known(model, BATCHED, "model", "specifications")
        has_lag, durbin, has_error = MODELS[model]
        if self.weights is None and model != "ols":
            raise RongheError(f"specifications: model '{model}' needs weights W")
        subsets = np.atleast_2d(np.asarray(subsets, dtype=np.intp))
        columns = [self.own(subsets), *([self.lagged_place(subsets)] if durbin else [])]
        if self.projection.effects == "pooled" and self.basis is None:
            columns.append(np.full((len(subsets), 1), self.own(len(self.names) - 1)))
        columns = np.concatenate(columns, axis=1)
        refused = self._refusals(columns, len(columns[0]) + has_lag + has_error)
        shared = self, model, subsets.shape[1], columns, draw
        if has_error:
            return self._fit_error(shared, refused)
        inverse, refused = self._inverses(columns, draw, refused)
        lead = np.broadcast_to([0, 1] if has_lag else [0], (len(columns), 1 + has_lag))
        right = self._block(self.products, columns, lead, draw)
        b = inverse @ right
        left = self._block(self.products, lead, lead, draw) - right.transpose(0, 2, 1) @ b
        sizes = self._block(self.products, lead, lead, draw)
        refused = self._explained(left[:, 0, 0], sizes[:, 0, 0], draw, refused)
        if has_lag:
            refused = self._explained(*self._least(left, sizes), draw, refused)
        profile, rho = None, np.zeros(len(columns))
        solved, ssr = b[:, :, 0], np.where(refused > 0, 1.0, left[:, 0, 0])
        if has_lag:
            safe = np.where(refused[:, None, None] > 0, np.eye(2), left)
            profile = LagProfile(self.jacobian, self.size[0], safe[:, 0, 0], safe[:, 0, 1], safe[:, 1, 1])
            rho = profile.maximise()
            solved, ssr = solved - rho[:, None] * b[:, :, 1], profile.ssr(rho)
            refused = np.where((refused == 0) & self.jacobian.at_edge(rho), REFUSALS.index("edge"), refused)
        slope, bends = (b[:, :, 1], profile.slopes(rho)) if has_lag else (None, None)
        return SubsetFits(*shared, solved, rho, ssr, inverse, slope, bends, profile, refused.astype(np.int8))

    def _refusals(self, columns: np.ndarray, extra: int) -> np.ndarray:
        """Return a code for each fit: zero, or why the effects or the number of rows forbid it."""
        N, T = self.shape
        free = N * T - self.projection.n_absorbed(N, T) - extra - self.n_partialled
        refused = np.where(self.vanished[columns].any(axis=1), REFUSALS.index("absorbed"), self.barred)
        return refused if free > 0 else np.full(len(columns), REFUSALS.index("too_few_rows"))

    def _least(self, left: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the least of the parabola y - rho W y leave of squares, and their squares before, at that rho."""
        at = np.zeros(len(left))
        np.divide(left[:, 0, 1], left[:, 1, 1], out=at, where=left[:, 1, 1] > 0)
        powers = np.stack([np.ones(len(at)), -np.clip(at, *self.jacobian.bounds)], axis=1)
        least, size = (np.einsum("bi,bij,bj->b", powers, products, powers) for products in (left, sizes))
        return least, size

    def _explained(self, ssr: np.ndarray, size: np.ndarray, draw: np.ndarray | None, refused: np.ndarray) -> np.ndarray:
        """Return the codes with those marked whose outcome effects and regressors explain without remainder.

        `size` is the sum of squares that regressors explain; the effects have been taken out of it.
        """
        whole = self.size_of_outcome
        none = (ssr <= VANISHED * (whole[draw] if len(whole) > 1 else whole)) | ~(ssr > EXPLAINED * size)
        return np.where((refused == 0) & none, REFUSALS.index("explained"), refused)

    def _inverses(
        self, columns: np.ndarray, draw: np.ndarray | None, refused: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return (Z'Z)^-1 and the codes; once for each set of regressors where no draw touches them."""
        if draw is None or np.isin(columns, self.columns.places).any():
            return self._invert(
                self._block(self.products, columns, columns, draw), refused, self._before(columns, draw)
            )
        if self.basis is not None:
            first, owner = np.zeros(1, dtype=int), np.zeros(len(columns), dtype=int)
        else:
            _, first, owner = np.unique(columns, axis=0, return_index=True, return_inverse=True)
        once = columns[first]
        block = self._block(self.products[:1], once, once, None)
        inverse, codes = self._invert(block, refused[first], self._before(once, None))
        return inverse[owner], codes[owner]

    def _before(self, columns: np.ndarray, draw: np.ndarray | None) -> np.ndarray | None:
        """Return sums of squares of columns before others were partialled out of them; none where none were."""
        if self.lengths is None:
            return None
        return (
            self.lengths[0][columns] if draw is None or len(self.lengths) == 1 else self.lengths[draw[:, None], columns]
        )

    @staticmethod
    def _block(products: np.ndarray, rows: np.ndarray, columns: np.ndarray, draw: np.ndarray | None) -> np.ndarray:
        if draw is None or len(products) == 1:
            return products[0][rows[:, :, None], columns[:, None, :]]
        return products[draw[:, None, None], rows[:, :, None], columns[:, None, :]]

    @staticmethod
    def _invert(A: np.ndarray, refused: np.ndarray, before: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return inverses after scaling, and the codes with those marked whose variances are inflated 1e11 times.

        Inflated against the diagonal, or against that `before` other columns were partialled out.
        """
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
        if before is not None:
            inflation = inflation * before * scale**2
        bad = ((inflation >= 1 / COLLINEAR) | (inflation < 0.999)).any(axis=1)
        inverse[bad] = np.eye(K)
        return inverse * outer, np.where((refused == 0) & bad, REFUSALS.index("collinear"), refused)

    def _fit_error(self, shared: tuple, refused: np.ndarray) -> SubsetFits:
        """Find lambda of u = lambda W u + e: a grid for its hills, then Newton steps on the filtered products."""
        columns, draw = shared[3:]
        profile = self._bordered(columns, draw, refused)
        if profile is None:
            profile, refused = self._profile(columns, draw, refused)
        lam = profile.maximise()
        none = np.isnan(lam)
        lam[none] = 0.0
        inverse, b, ssr, moved, bends = profile.solve(lam)
        none |= profile.is_explained(ssr, lam)
        refused = np.where((refused == 0) & none, REFUSALS.index("explained"), refused)
        refused = np.where((refused == 0) & self.jacobian.at_edge(lam), REFUSALS.index("edge"), refused)
        return SubsetFits(*shared, b, lam, ssr, inverse, -moved, tuple(bends), profile, refused.astype(np.int8))

    def _profile(
        self, columns: np.ndarray, draw: np.ndarray | None, refused: np.ndarray
    ) -> tuple[ErrorProfile, np.ndarray]:
        """Return the likelihoods of an error model, and the codes of what cannot be estimated."""
        whole = np.concatenate([columns, np.zeros((len(columns), 1), dtype=np.intp)], axis=1)
        blocks = np.stack([self._block(p, whole, whole, draw) for p in self.filtered], axis=1)
        inverse, refused = self._invert(blocks[:, 0, :-1, :-1].copy(), refused)
        right = blocks[:, 0, :-1, -1]
        left = blocks[:, 0, -1, -1] - np.einsum("bk,bkl,bl->b", right, inverse, right)
        refused = self._explained(left, blocks[:, 0, -1, -1], draw, refused)
        blocks[refused > 0] = np.stack([np.eye(blocks.shape[2]), *np.zeros((2, *blocks.shape[2:]))])
        return ErrorProfile(self.jacobian, self.size[0], blocks), refused

    def _bordered(self, columns: np.ndarray, draw: np.ndarray | None, refused: np.ndarray) -> BorderedProfile | None:
        """Return the likelihoods of one error model for all draws in their order; none where the fits differ otherwise.

        None too where regressors come near to repeat one another, or to explain an outcome: that is for `_profile`.
        """
        once, drawn = columns[0], self.columns.places
        places = tuple(k for k, place in enumerate(once) if place not in drawn)
        in_order = self.columns.values is not None and np.array_equal(draw, np.arange(len(self.columns.values)))
        if not in_order or not places or refused.any() or (columns != once).any():
            return None
        blocks = self._blocks(once[list(places)], [*(k for k in once if k in drawn), 0])
        shared, crossed, own = (powers[0] for powers in blocks)
        inverse, code = self._invert(shared[None].copy(), np.zeros(1, dtype=int))
        try:
            root = np.linalg.cholesky(own - crossed @ inverse[0] @ crossed.transpose(0, 2, 1))
        except np.linalg.LinAlgError:
            return None
        pivots, inflation = np.einsum("bkk->bk", root) ** 2, np.diag(inverse[0]) * np.diag(shared)
        clear = (pivots[:, :-1] > DISTINCT * np.einsum("bkk->bk", own)[:, :-1]).all()
        clear &= bool((inflation < DISTINCT ** (pivots.shape[1] - 1) / COLLINEAR).all()) and code[0] == 0
        if not clear or self._explained(pivots[:, -1], own[:, -1, -1], draw, refused).any():
            return None
        return BorderedProfile.of(self.jacobian, self.size[0], blocks, places)

    def _blocks(self, shared: np.ndarray, mine: list[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return products of filtered columns by power of lambda: among those shared, across, among each draw's own."""
        n_columns, drawn, both = self.columns.n_columns, self.columns.places, self.joined
        own = [drawn.index(k) for k in mine if k in drawn]
        values = both.values if len(own) == len(drawn) else both.values[:, [*own, *(len(drawn) + k for k in own)]]
        fixed = [*shared, *(k for k in mine if k not in drawn)]
        flat = both.flat[:, [*fixed, *(n_columns + k for k in fixed)]]
        inner = _powers(flat.T @ flat)
        crossed = _powers((values.reshape(-1, len(flat)) @ flat).reshape(*values.shape[:2], -1))
        squares = _powers(values @ values.transpose(0, 2, 1))
        if len(own) == len(mine):
            return inner, crossed, squares
        shape, d = (*crossed.shape[:2], len(mine)), len(own)
        rest, around = np.empty((*shape, len(mine))), np.empty((*shape, len(shared)))
        rest[:, :, :d, :d], rest[:, :, :d, d], rest[:, :, d, :d] = squares, crossed[..., -1], crossed[..., -1]
        rest[:, :, d, d] = inner[:, None, -1, -1]
        around[:, :, :d], around[:, :, d] = crossed[..., :-1], inner[:, None, -1, :-1]
        return inner[:, :-1, :-1], around, rest


def _powers(products: np.ndarray) -> np.ndarray:
    """Return the coefficients of 1, lambda and its square in products of D - lambda L, given those of D beside L."""
    rows, columns = (size // 2 for size in products.shape[-2:])
    mixed = products[..., :rows, columns:] + products[..., rows:, :columns]
    return np.stack([products[..., :rows, :columns], -mixed, products[..., rows:, columns:]])
