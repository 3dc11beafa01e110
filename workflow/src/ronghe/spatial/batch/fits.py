"""Estimates of many outcomes: parameters, likelihoods, impacts, and covariances clustered by unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ronghe.errors import require_known
from ronghe.spatial.batch.shared import Shared

KINDS = ("expected", "observed", "CR0", "CR1", "CR2", "CR3")


@dataclass(frozen=True)
class BatchFit:
    """Estimates by draw; every array has the draw as its first axis, parameters in the order of `batch.names`.

    Outcomes `y` and `lagged` W y are none where they were given projected, residuals where estimates were `moved`
    without them.
    """

    batch: Shared
    y: np.ndarray | None
    lagged: np.ndarray | None
    projected: np.ndarray | None
    b: np.ndarray
    rho: np.ndarray
    ssr: np.ndarray
    residuals: np.ndarray | None
    partialled: np.ndarray | None
    at_edge: np.ndarray
    slope: np.ndarray | None = None

    def moved(self, b: np.ndarray, rho: np.ndarray, residuals: np.ndarray | None = None) -> BatchFit:
        """Return the same outcomes at other parameters, with the residuals there where scores are wanted."""
        ssr = self.ssr if residuals is None else np.einsum("bit,bit->b", residuals, residuals)
        return replace(self, b=b, rho=rho, residuals=residuals, ssr=ssr)

    @property
    def n_draws(self) -> int:
        """Number of outcomes."""
        return len(self.b)

    @property
    def sigma2(self) -> np.ndarray:
        """Variances of the disturbance."""
        return self.ssr / self.batch.nobs

    @cached_property
    def values(self) -> np.ndarray:
        """All parameters."""
        spatial = [self.rho[:, None]] if self.batch.has_lag else []
        return np.concatenate([self.b, *spatial, self.sigma2[:, None]], axis=1)

    @cached_property
    def loglik(self) -> np.ndarray:
        """Complete log-likelihoods."""
        value = -0.5 * self.batch.nobs * (np.log(2 * np.pi * self.sigma2) + 1)
        return value + self.batch.jacobian.value(self.rho) if self.batch.has_lag else value

    @cached_property
    def _traces(self) -> tuple[np.ndarray, np.ndarray]:
        return self.batch.spectrum.traces(self.rho)

    @cached_property
    def _multiplier(self) -> np.ndarray | None:
        """G by draw where the eigenvectors of W cannot carry it; it then serves everywhere."""
        spectrum = self.batch.spectrum
        return None if spectrum.is_diagonal else spectrum.multipliers(self.rho)

    @cached_property
    def lagged_fitted(self) -> np.ndarray:
        """Q G Z b by draw, as `FittedModel.lagged_fitted`, with the effects of time in Z b: Q W y - Q G e.

        From G (I - rho W) = W; of the effects of units Q leaves nothing.
        """
        found = self.batch.spectrum.apply(self.rho, self.residuals, self._multiplier)
        if self.batch.projection.has_time:
            found -= np.einsum("bit->bt", found)[:, None] / self.batch.n_units
        return np.subtract(self.projected, found, out=found)

    @cached_property
    def inverse_information(self) -> np.ndarray:
        """Inverse of the observed information (minus the Hessian), by blocks."""
        return self._inverse(expected=False)

    def _corner(self, expected: bool) -> tuple[np.ndarray, ...]:
        """Return h and the inverse information of (rho, sigma2), b concentrated out, by its three elements.

        The rest follows: b moves by -h with rho, and its variance given both is s2 (Z'Z)^-1.
        """
        batch, s2, n = self.batch, self.sigma2, self.batch.nobs
        ss = n / (2 * s2**2)
        if not batch.has_lag:
            none = np.zeros(self.n_draws)
            return np.zeros_like(self.b), none, none, 1 / ss
        g, gg = self._traces
        edge, a = batch.jacobian.edge, 1 / (1 - self.rho)
        if expected:
            linear = self.lagged_fitted.reshape(self.n_draws, -1)
            h = (linear @ batch.flat) @ batch.bread
            gtg, sums = batch.spectrum.squared(self.rho, self._multiplier)
            rr = np.einsum("bi,bi->b", linear, linear) - np.einsum("bk,kl,bl->b", h, batch.products, h)
            square = gg + gtg - (edge * a**2 + (sums / batch.n_units if edge else 0.0))
            rr = rr / s2 + batch.periods * square
            rs = batch.periods * (g - edge * a) / s2
        else:
            h = self.slope
            e1 = self.partialled
            rr = np.einsum("bit,bit->b", e1, e1) / s2 + batch.periods * (gg - edge * a**2)
            rs = np.einsum("bit,bit->b", e1, self.residuals) / s2**2
        det = rr * ss - rs * rs
        return h, ss / det, -rs / det, rr / det

    def _inverse(self, expected: bool) -> np.ndarray:
        """Return the inverse information."""
        K, P = self.b.shape[1], len(self.batch.names)
        V = np.empty((self.n_draws, P, P))
        h, v_rr, v_rs, v_ss = self._corner(expected)
        V[:, :K, :K] = self.sigma2[:, None, None] * self.batch.bread
        V[:, :K, :K] += (h[:, :, None] * h[:, None, :]) * v_rr[:, None, None]
        V[:, :K, -1] = V[:, -1, :K] = -h * v_rs[:, None]
        V[:, -1, -1] = v_ss
        if self.batch.has_lag:
            V[:, :K, K] = V[:, K, :K] = -h * v_rr[:, None]
            V[:, K, K] = v_rr
            V[:, K, -1] = V[:, -1, K] = v_rs
        return V

    def _weigh(self, gradients: np.ndarray) -> np.ndarray:
        """Return gradients (draw, quantity, parameter) times the inverse information, which is not formed."""
        K = self.b.shape[1]
        h, v_rr, v_rs, v_ss = (v[:, None] for v in self._corner(expected=False))
        linear, last = gradients[:, :, :K], gradients[:, :, -1]
        gap = np.einsum("bqk,bk->bq", linear, h[:, 0])
        if self.batch.has_lag:
            gap -= gradients[:, :, K]
        found = np.empty(gradients.shape)
        found[:, :, :K] = (self.sigma2[:, None, None] * linear) @ self.batch.bread
        found[:, :, :K] += (v_rr * gap - v_rs * last)[:, :, None] * h
        if self.batch.has_lag:
            found[:, :, K] = v_rs * last - v_rr * gap
        found[:, :, -1] = v_ss * last - v_rs * gap
        return found

    @cached_property
    def own_regressor(self) -> np.ndarray | None:
        """The part of Q G Z b that the regressors leave, of length one: d in I - H_ii = P_i - d_i d_i'."""
        if not self.batch.has_lag:
            return None
        q = self.lagged_fitted.reshape(self.n_draws, -1)
        rest = q - ((q @ self.batch.flat) @ self.batch.bread) @ self.batch.flat.T
        length = np.sqrt(np.einsum("bi,bi->b", rest, rest))
        return (rest / np.where(length > 0, length, 1.0)[:, None]).reshape(self.residuals.shape)

    @cached_property
    def _adjusted(self) -> dict[str, np.ndarray]:
        return {}

    def adjusted(self, kind: str) -> np.ndarray:
        """Return the residuals by which a covariance sums: as they are, by (I - H_ii)^(-1/2), or by (I - H_ii)^-1."""
        if kind in ("CR0", "CR1"):
            return self.residuals
        if kind not in self._adjusted:
            lever = self.batch.leverage
            rule = lever.inverse_root if kind == "CR2" else lever.inverse
            self._adjusted[kind] = rule(self.residuals, self.own_regressor)
        return self._adjusted[kind]

    def factor(self, kind: str) -> float:
        """Return the small-sample factor: that of the engine's `clustered` for CR0 and CR1, (G - 1) / G for CR3.

        CR1: G/(G-1) (n-1)/(n-K), and N/(N-1) for what the time effects take under Lee and Yu's method. CR3 as the
        cluster jackknife has it (MacKinnon, Nielsen and Webb 2023).
        """
        batch = self.batch
        N, n, K = batch.n_units, batch.n_units * batch.n_periods, self.b.shape[1]
        if kind == "CR2":
            return 1.0
        if kind == "CR3":
            return (N - 1) / N
        lost = batch.specification.method != "lsdv" and batch.projection.has_time
        factor = N / (N - 1) if lost else 1.0
        return factor * (N / (N - 1) * (n - 1) / (n - K) if kind == "CR1" else 1.0)

    def scores(self, kind: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the score by unit (draw, unit, parameter), and the variance of its products of pairs of units.

        As in `scores.unit_meat`: linear terms and each unit's own part of the quadratic forms by unit, the products of
        two units' disturbances by pairs (Kelejian and Prucha 2001, equation 2.6).
        """
        batch, s2 = self.batch, self.sigma2[:, None]
        e = self.adjusted(kind)
        K = self.b.shape[1]
        found = np.empty((self.n_draws, batch.n_units, len(batch.names)))
        found[:, :, :K] = (e.transpose(1, 0, 2) @ batch.Z).transpose(1, 0, 2)
        found[:, :, :K] /= s2[:, :, None]
        squares = np.einsum("bit,bit->bi", e, e)
        excess = squares - squares.mean(axis=1, keepdims=True)
        found[:, :, -1] = excess / (2 * s2**2)
        if not batch.has_lag:
            return found, np.zeros(self.n_draws)
        forms = self._forms
        diagonal = 0.5 * np.einsum("bii->bi", forms)
        found[:, :, K] = (np.einsum("bit,bit->bi", e, self.lagged_fitted) + diagonal * excess) / s2
        products = e @ e.transpose(0, 2, 1)
        products *= forms
        products = products.reshape(self.n_draws, -1)
        whole = np.einsum("bk,bk->b", products, products)
        own = ((2 * diagonal * squares) ** 2).sum(axis=1)
        return found, 0.5 * (whole - own) / self.sigma2**2

    @cached_property
    def _forms(self) -> np.ndarray:
        return self.batch.spectrum.symmetric_forms(self.rho, self._multiplier)

    def covariance(self, kind: str = "CR1") -> np.ndarray:
        """Return the covariance of all parameters (draw, parameter, parameter)."""
        require_known(kind, KINDS, "covariance", "batch")
        if kind in ("expected", "observed"):
            return self._inverse(kind == "expected")
        scores, between = self.scores(kind)
        meat = scores.transpose(0, 2, 1) @ scores
        if self.batch.has_lag:
            meat[:, self.b.shape[1], self.b.shape[1]] += between
        bread = self.inverse_information
        return self.factor(kind) * (bread @ meat @ bread)

    def variances(self, kind: str, gradients: np.ndarray) -> np.ndarray:
        """Return g'V g for gradients (draw, quantity, parameter), without forming V."""
        if kind in ("expected", "observed"):
            return np.einsum("bqp,bpr,bqr->bq", gradients, self._inverse(kind == "expected"), gradients)
        own, pairs = self.variance_parts(kind, gradients)
        return own + pairs

    def variance_parts(
        self, kind: str, gradients: np.ndarray, sizes: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return g'V g in two parts: sums by unit, and products of two units' disturbances e_i and e_j.

        With `sizes` x (draw, unit), (x_i x_j)^2 stands for (e_i'e_j)^2, see `FewClusters.pair_sizes`.
        """
        influence, between, weights = self._influence(kind, gradients)
        own = self.factor(kind) * np.einsum("biq,biq->bq", influence, influence)
        if not self.batch.has_lag:
            return own, np.zeros_like(own)
        if sizes is not None:
            squared, x = self._forms**2, sizes**2
            squared[:, np.arange(x.shape[1]), np.arange(x.shape[1])] = 0.0
            between = 0.5 * np.einsum("bi,bij,bj->b", x, squared, x, optimize=True) / self.sigma2**2
        return own, self.factor(kind) * between[:, None] * weights**2

    def covariances(self, kind: str, gradients: np.ndarray) -> np.ndarray:
        """Return G V G' for gradients (draw, quantity, parameter), (draw, quantity, quantity)."""
        if kind in ("expected", "observed"):
            return gradients @ self._inverse(kind == "expected") @ gradients.transpose(0, 2, 1)
        influence, between, weights = self._influence(kind, gradients)
        pairs = between[:, None, None] * weights[:, :, None] * weights[:, None]
        return self.factor(kind) * (influence.transpose(0, 2, 1) @ influence + pairs)

    def _influence(self, kind: str, gradients: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return scores times V G' (draw, unit, quantity), what pairs of units add, and the weight of rho in each."""
        require_known(kind, KINDS, "covariance", "batch")
        scores, between = self.scores(kind)
        weights = self._weigh(gradients)
        last = weights[:, :, self.b.shape[1]] if self.batch.has_lag else np.zeros(weights.shape[:2])
        return scores @ weights.transpose(0, 2, 1), between, last

    def impacts(self, variables: Sequence[str] | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return direct, indirect and total impacts (draw, variable, 3), and gradients (draw, variable, 3, parameter).

        LeSage and Pace (2009, equations 2.46-2.48), as `effects.average_impacts`.
        """
        s, batch, B = self.batch.specification, self.batch, self.n_draws
        variables = [n for n in s.names if n != "const"] if variables is None else list(variables)
        N, K = batch.n_units, self.b.shape[1]
        multiplier = np.zeros((B, 2, 2))
        slope = np.zeros((B, 2, 2))
        if batch.has_lag:
            g, gg = self._traces
            r, rr = batch.spectrum.row_sums(self.rho, self._multiplier)
            rho = self.rho
            for place, (first, second) in enumerate(((g / N, gg / N), (r, rr))):
                multiplier[:, place] = np.stack([1 + rho * first, first], axis=1)
                slope[:, place] = np.stack([first + rho * second, second], axis=1)
        else:
            mean_row = 0.0 if batch.W is None else batch.W.sum() / N
            multiplier[:] = [[1.0, 0.0], [1.0, mean_row]]
        effects = np.zeros((B, len(variables), 3))
        gradients = np.zeros((B, len(variables), 3, len(batch.names)))
        for v, name in enumerate(variables):
            require_known(name, s.names, "regressor", "batch: impacts")
            places = [s.names.index(name)]
            if name in s.durbin:
                places.append(len(s.names) + s.durbin.index(name))
            for kind, position in enumerate(places):
                value = self.b[:, position]
                for row, place in ((0, 0), (2, 1)):
                    effects[:, v, row] += value * multiplier[:, place, kind]
                    gradients[:, v, row, position] = multiplier[:, place, kind]
                    if batch.has_lag:
                        gradients[:, v, row, K] += value * slope[:, place, kind]
        effects[:, :, 1] = effects[:, :, 2] - effects[:, :, 0]
        gradients[:, :, 1] = gradients[:, :, 2] - gradients[:, :, 0]
        return effects, gradients
