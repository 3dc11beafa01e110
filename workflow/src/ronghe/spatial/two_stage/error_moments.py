"""The spatial error of two-stage least squares: lambda from two moments of the residuals, with its covariance.

Kelejian and Prucha (2010, J. Econometrics 157, 53-67) and Arraiz, Drukker, Kelejian and Prucha (2010, J. Regional
Science 50, 592-614): quadratic forms without a diagonal, so that disturbances may be heteroskedastic, and a covariance
that counts what the estimated residuals add. On one cross-section these are their steps 1a to 2b; in a panel the forms
are summed over periods, as in Mutl and Pfaffermayr (2011, Econometrics Journal 14, equation 12).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from ronghe.linear.covariance import Choice, driscoll_kraay_meat
from ronghe.linear.layout import Layout, group_sums
from ronghe.spatial.projection import Projection
from ronghe.spatial.sufficient_statistics import lag


@dataclass(frozen=True)
class ErrorMoments:
    """The spatial error as the moments give it."""

    lam: float
    sigma2: float


class QuadraticMoments:
    """m_r = sum over t of e_t'A_r e_t for A_1 = M'M - diag(M'M) and A_2 = M (Kelejian and Prucha 2010, eq. 11).

    Where time effects are out, the demeaned disturbances give a form an expectation of sigma2 tr(A_r less its means),
    which is subtracted as that share of e'e.
    """

    def __init__(
        self, M: sparse.csr_array, projection: Projection, n_periods: int, bounds: tuple[float, float]
    ) -> None:
        """Lay out the forms and their symmetric parts, S_r = A_r + A_r'."""
        n = M.shape[0]
        self.M, self.projection, self.bounds = sparse.csr_array(M), projection, bounds
        self.n_free = (n - projection.has_time) * (n_periods - projection.has_units)
        square = sparse.csr_array(M.T @ M)
        square.setdiag(0.0)
        square.eliminate_zeros()
        self.symmetric = [2.0 * square, sparse.csr_array(M + M.T)]
        ones = np.ones(n)
        self.share = [
            (S.trace() - ones @ (S @ ones) / n) / (2 * (n - 1)) if projection.has_time else 0.0 for S in self.symmetric
        ]

    def forms(self, e: np.ndarray, f: np.ndarray) -> np.ndarray:
        """Return sum over t of e_t'S_r f_t less what the means leave."""
        return np.array([np.vdot(e, self.product(r, f)) for r in (0, 1)])

    def product(self, r: int, e: np.ndarray) -> np.ndarray:
        """Return S_r e less what the means leave."""
        return lag(self.symmetric[r], e) - 2 * self.share[r] * e

    @cached_property
    def _pairs(self) -> list[tuple[int, int, sparse.coo_array]]:
        """The products s_ij s'_ij of each two forms."""
        first, second = self.symmetric
        products = ((0, 0, first.multiply(first)), (0, 1, first.multiply(second)), (1, 1, second.multiply(second)))
        return [(r, s, sparse.coo_array(S)) for r, s, S in products]

    def pair_sums(self, products: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> np.ndarray:
        """Return half the sum over i, j of s_ij s'_ij times the products of their disturbances, for each two forms."""
        total = np.zeros((2, 2))
        for r, s, pairs in self._pairs:
            total[r, s] = total[s, r] = 0.5 * float(pairs.data @ products(*pairs.coords))
        return total

    def lagged(self, u: np.ndarray) -> np.ndarray:
        """Return Q M u."""
        return self.projection.apply(lag(self.M, u), in_place=True)

    def polynomial(self, u: np.ndarray) -> np.ndarray:
        """Return the coefficients of m(lambda) at e = u - lambda M u, as (moment, power 0, 1, 2)."""
        Mu = self.lagged(u)
        return np.column_stack([self.forms(u, u) / 2, -self.forms(u, Mu), self.forms(Mu, Mu) / 2])

    def estimate(self, u: np.ndarray, weight: np.ndarray | None = None) -> float:
        """Return the lambda within its interval that makes m'weight m least: a root of a cubic."""
        m = self.polynomial(u)
        m = m / np.abs(m).max()
        root = np.eye(2) if weight is None else np.linalg.cholesky(weight / np.abs(weight).max()).T
        objective = sum(np.polynomial.Polynomial(row) ** 2 for row in root @ m)
        low, high = self.bounds
        margin = 1e-5 * (high - low)
        roots = objective.deriv().roots()
        inner = [x.real for x in roots if abs(x.imag) < 1e-8 and low + margin < x.real < high - margin]
        return float(min([*inner, low + margin, high - margin], key=objective))

    def filtered(self, u: np.ndarray, lam: float) -> np.ndarray:
        """Return e = Q (u - lambda M u) of projected residuals."""
        return u - lam * self.lagged(u)

    def sigma2(self, u: np.ndarray, lam: float) -> float:
        """Return the variance of the disturbance."""
        e = self.filtered(u, lam)
        return float(np.vdot(e, e)) / self.n_free


@dataclass(frozen=True)
class FilteredRegression:
    """A two-stage regression at one lambda: regressors and their fitted values (filtered), and the residuals e."""

    regressors: np.ndarray
    fitted: np.ndarray
    e: np.ndarray
    has_endogenous: bool
    layout: Layout
    choice: Choice

    @property
    def bread(self) -> np.ndarray:
        """(Z*'P Z*)^-1."""
        return np.linalg.inv(self.fitted.T @ self.fitted)

    def scores(self, moments: QuadraticMoments) -> np.ndarray:
        """Return the vectors whose products with e are the scores of delta, and the linear part of the two moments.

        The latter are a_r = -P Z* bread Z*'S_r e: what an error in delta does to the moments (Kelejian and Prucha
        2010, equation 24). It does nothing where all regressors are exogenous, Z*'S_r e having no expectation then.
        """
        if not self.has_endogenous:
            return np.column_stack([self.fitted, np.zeros((len(self.fitted), 2))])
        gradient = np.column_stack([self.regressors.T @ moments.product(r, self.e).ravel() for r in (0, 1)])
        return np.column_stack([self.fitted, -self.fitted @ (self.bread @ gradient)])

    def joint_meat(self, moments: QuadraticMoments) -> np.ndarray:
        """Return the covariance of (scores, moments) under the dependence that the choice allows, without factors.

        Kelejian and Prucha (2010, equations 21-23) where units and periods are independent; sums over a unit's
        periods, or over a period's units, take the place of single products where they are not.
        """
        linear, cells = self.scores(moments), self.e.ravel()[:, None]
        if self.choice.kind == "homoskedastic":
            s2 = float(np.vdot(self.e, self.e)) / moments.n_free
            meat = s2 * linear.T @ linear
            n_periods = moments.n_free / (len(self.e) - moments.projection.has_time)
            meat[-2:, -2:] += moments.pair_sums(lambda i, j: np.full(len(i), n_periods * s2**2))
            return meat
        kinds = {"robust": ["cells"], "driscoll_kraay": ["time"]}.get(self.choice.kind, list(self.choice.cluster))
        meat = sum(self._meat(moments, linear * cells, kind) for kind in kinds)
        return meat - self._meat(moments, linear * cells, "cells") if len(kinds) == 2 else meat

    def _meat(self, moments: QuadraticMoments, scores: np.ndarray, kind: str) -> np.ndarray:
        e = self.e
        if kind == "time":
            whole = scores.copy()
            for r in (0, 1):
                whole[:, r - 2] += (e * moments.product(r, e)).ravel() / 2
            lags = self.choice.bandwidth if self.choice.kind == "driscoll_kraay" else 0
            return driscoll_kraay_meat(whole, self.layout, lags)
        if kind == "units":
            sums = group_sums(scores, self.layout.units)
            meat = sums.T @ sums
            meat[-2:, -2:] += moments.pair_sums(lambda i, j: np.einsum("kt,kt->k", e[i], e[j]) ** 2)
            return meat
        meat = scores.T @ scores
        meat[-2:, -2:] += moments.pair_sums(lambda i, j: np.einsum("kt,kt->k", e[i] ** 2, e[j] ** 2))
        return meat

    def covariance(self, moments: QuadraticMoments, u: np.ndarray, lam: float, weight: np.ndarray) -> np.ndarray:
        """Return the covariance of (delta, lambda), without factors (Arraiz and others 2010, equation 19)."""
        slope = moments.polynomial(u) @ np.array([0.0, 1.0, 2 * lam])
        k = self.fitted.shape[1]
        to_parameters = np.zeros((k + 1, k + 2))
        to_parameters[:k, :k] = self.bread
        to_parameters[k, k:] = -(slope @ weight) / (slope @ weight @ slope)
        return to_parameters @ self.joint_meat(moments) @ to_parameters.T
