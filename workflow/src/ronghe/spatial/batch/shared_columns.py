"""What all subsets of regressors share on one outcome, sample, W and effects: projected columns and their products."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

import numpy as np

from ronghe.errors import RongheError, require_known
from ronghe.spatial.batch.columns import Columns, less
from ronghe.spatial.batch.newton import Jacobian
from ronghe.spatial.batch.spectrum import Spectrum
from ronghe.spatial.equation import CONSTANT, MODELS
from ronghe.spatial.log_determinant.exact import log_determinant
from ronghe.spatial.projection import Projection
from ronghe.spatial.sufficient_statistics import COLLINEAR, VANISHING, lag
from ronghe.weights.matrix import Weights

# Spectra are dense: beyond this size one fit after the other by SpatialPanel is the better tool.
LARGEST = 1500
# Why a fit has no numbers, in the order of the codes; the first means that it has.
REFUSALS = ("", "absorbed", "collinear", "too_few_rows", "edge", "explained")


@dataclass(frozen=True)
class SharedColumns:
    """Projected columns D = Q[y, W y, X, W X] of one sample, and their products D'D, for all subsets of regressors.

    `y` is (unit, period), `X` (unit, period, column), in the order of W. A subset names columns of X by place; the
    Durbin models take the lag of each. `with_columns` lets outcome or regressors differ from draw to draw.
    """

    names: tuple[str, ...]
    projection: Projection
    method: str
    weights: Weights | None
    raw: np.ndarray
    columns: Columns
    vanished: np.ndarray
    # Sums of squares of the outcome before the projection, one for all or one for each draw.
    size_of_outcome: np.ndarray
    drawn: np.ndarray | None = None
    # Of one specification alone: an orthonormal basis (cell, vector) of the regressors that are partialled out, sums of
    # squares of the columns before (draw or 1, column), and a code of `REFUSALS` where that basis does not exist.
    basis: np.ndarray | None = None
    lengths: np.ndarray | None = None
    barred: int = 0
    # What draws do not change, computed once for all that `with_columns` makes.
    kept: dict = field(default_factory=dict, repr=False)

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
    ) -> Self:
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
        size = np.array([np.vdot(y, y)])
        return cls(tuple(names), projection, method, W, data, Columns(flat), vanished, size)

    def with_columns(self, variables: Sequence[int], draws: np.ndarray, outcome: bool = False) -> Self:
        """Return the same with these columns of X (and their lags) drawn anew: draws (draw, variable, unit, period).

        With `outcome`, the outcome is the first variable of every draw, before those of X.
        """
        variables = np.array(variables, dtype=int)
        places = (*([0] if outcome else []), *self.own(variables).tolist())
        stacked = np.moveaxis(draws.reshape(-1, *self.shape), 0, 2)
        parts = [stacked]
        if self.weights is not None:
            places += (*([1] if outcome else []), *self.lagged_place(variables).tolist())
            parts.append(lag(self.weights.sparse, stacked))
        columns = self.columns.replaced(places, self._by_draw(parts, len(draws)))
        size = np.einsum("bnt,bnt->b", draws[:, 0], draws[:, 0]) if outcome else self.size_of_outcome
        return replace(self, columns=columns, drawn=stacked, size_of_outcome=size)

    def dealt(self, orders: np.ndarray) -> Self:
        """Return the same with the paths of all units dealt to other places of W: orders (draw, place) name units.

        Which is W with its names permuted: who is whose neighbour becomes arbitrary, W and its spectrum stay.
        """
        places = [0, *self.own(np.arange(len(self.names))).tolist()]
        stacked = self.raw[:, :, places][orders].transpose(1, 2, 0, 3).reshape(*self.shape, -1)
        parts = [stacked]
        if self.weights is not None:
            places += [1, *self.lagged_place(np.arange(len(self.names))).tolist()]
            parts.append(lag(self.weights.sparse, stacked))
        columns = self.columns.replaced(tuple(places), self._by_draw(parts, len(orders)))
        return replace(self, columns=columns, drawn=stacked)

    def alone(self, model: str, regressors: Sequence[int], outcome: int | None = None) -> Self:
        """Return one specification for many draws: its columns only, the regressor of interest being the first of X.

        `outcome` is a place in X, or none for y. Controls, which no draw may touch, are partialled out once for all
        draws (Frisch and Waugh 1933; Lovell 1963): y, W y, x and W x are left, fitted as the subset [0]. An error
        model filters by lambda first and keeps its controls: fitted as the subset of all.
        """
        _, durbin, has_error = MODELS[model]
        always = [len(self.names) - 1] if self.projection.effects == "pooled" else []
        y = [0, 1] if outcome is None else [self.own(outcome), self.lagged_place(outcome)]
        size = self.size_of_outcome if outcome is None else np.array([np.vdot(*[self.raw[:, :, y[0]]] * 2)])
        kept = {"jacobian": self.jacobian} if self.weights is not None else {}
        used = np.array([*regressors, *always] if has_error else regressors[:1], dtype=int)
        places = [*y, *self.own(used).tolist(), *(self.lagged_place(used).tolist() if durbin else [])]
        found = replace(
            self,
            names=tuple(self.names[k] for k in used),
            vanished=self.vanished[places],
            drawn=None,
            size_of_outcome=size,
            kept=kept,
        )
        if has_error:
            return replace(found, **_joined(self.columns.beside(self.lagged, places), kept))
        rest = np.array(regressors[1:], dtype=int)
        fixed = [*self.own(rest), *self.own(np.array(always, dtype=int)), *(self.lagged_place(rest) if durbin else [])]
        basis, barred = _basis(self.columns.flat[:, fixed], self.vanished[fixed])
        plain = self.columns.picked(places)
        return replace(found, columns=plain.less(basis), basis=basis, lengths=plain.squares(), barred=barred)

    def with_outcomes(self, outcomes: np.ndarray) -> Self:
        """Return one specification alone with other outcomes: Q y and, where there is W, Q W y, (which, draw, cell)."""
        values = outcomes.transpose(1, 0, 2)
        places = tuple(range(values.shape[1]))
        if self.basis is not None:
            return replace(self, columns=self.columns.replaced(places, less(values, self.basis)))
        both = self.joined.replaced((0, self.columns.n_columns), values)
        return replace(self, **_joined(both, self.kept))

    @property
    def n_partialled(self) -> int:
        """Number of regressors that are partialled out."""
        return 0 if self.basis is None else self.basis.shape[1]

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

    @property
    def jacobian(self) -> Jacobian:
        """The log-determinant of W as the likelihood counts it."""
        if "jacobian" not in self.kept:
            edge = float(self.projection.has_time and self.method == "lee_yu")
            spectrum = Spectrum(self.weights.sparse.toarray(), self.projection.has_time)
            self.kept["jacobian"] = Jacobian(spectrum, log_determinant(self.weights).bounds, self.size[1], edge)
        return self.kept["jacobian"]

    @cached_property
    def lagged(self) -> Columns:
        """Q W D, for a spatial error: it is filtered first, then projected."""
        if "lagged" not in self.kept:
            lagged = self.projection.apply(lag(self.weights.sparse, self.raw), in_place=True)
            self.kept["lagged"] = Columns(lagged.reshape(self.columns.flat.shape))
        columns = self.kept["lagged"]
        if self.drawn is None:
            return columns
        once = lag(self.weights.sparse, self.drawn)
        parts = [once, lag(self.weights.sparse, once)]
        return columns.replaced(self.columns.places, self._by_draw(parts, len(self.columns.values)))

    @cached_property
    def joined(self) -> Columns:
        """D and Q W D side by side."""
        return self.kept["joined"] if "joined" in self.kept else self.columns.beside(self.lagged)

    @cached_property
    def filtered(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Products of D - lambda Q W D: the coefficients of 1, lambda and lambda squared."""
        crossed = self.columns.products(self.lagged)
        return self.products, -crossed - crossed.transpose(0, 2, 1), self.lagged.products(self.lagged)


def _joined(both: Columns, kept: dict) -> dict:
    """Return columns of an error model, and what is kept with them, as parts of D and Q W D side by side."""
    columns, lagged = both.halves()
    return {"columns": columns, "kept": {**kept, "joined": both, "lagged": lagged}}


def _basis(columns: np.ndarray, vanished: np.ndarray) -> tuple[np.ndarray, int]:
    """Return an orthonormal basis of fixed columns (cell, column), and a code where they have none."""
    if vanished.any():
        return np.zeros_like(columns), REFUSALS.index("absorbed")
    basis, R = np.linalg.qr(columns / np.sqrt(np.einsum("nk,nk->k", columns, columns)))
    if (np.abs(np.diag(R)) <= np.sqrt(COLLINEAR)).any():
        return basis, REFUSALS.index("collinear")
    return basis, 0
