"""The likelihood of error models concentrated on lambda, for fits that have all columns but a few in common."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ronghe.spatial.batch.error_profile import ErrorLikelihood, inverses, last_pivots
from ronghe.spatial.batch.newton import Jacobian
from ronghe.spatial.batch.rational import RationalInverse


@dataclass(frozen=True)
class BorderedProfile(ErrorLikelihood):
    """Products in blocks: of the regressors that all fits share, of what is a fit's own, and across.

    With P the inverse of what is shared, every quantity of a fit comes from the Schur complement of its own columns,
    which are few. `shared` is (power of lambda, column, column), `crossed` (power, fit, own column, shared column),
    `own` (power, fit, own column, own column), the outcome being the last of the fit's own; `places` are those of what
    is shared among the regressors.
    """

    shared: np.ndarray
    crossed: np.ndarray
    own: np.ndarray
    places: tuple[int, ...]
    nodes: RationalInverse | None

    @classmethod
    def of(
        cls, jacobian: Jacobian, nobs: int, blocks: tuple[np.ndarray, np.ndarray, np.ndarray], places: tuple[int, ...]
    ) -> BorderedProfile:
        """Take blocks shared, across and own; invert the first at nodes once where there are more fits than nodes."""
        shared, _, own = blocks
        nodes = None
        if 2 * len(places) < own.shape[1]:
            scale = 1 / np.sqrt(np.diag(shared[0]))
            outer = np.outer(scale, scale)
            nodes = RationalInverse(lambda a: at(shared, a[:, None, None]) * outer, 2 * len(places), jacobian.bounds)
            nodes.inverses *= outer
        return cls(jacobian, nobs, *blocks, places, nodes)

    @property
    def outcome(self) -> np.ndarray:
        """Products of the outcome with itself, (power of lambda, fit)."""
        return self.own[:, :, -1, -1]

    def __len__(self) -> int:
        return self.own.shape[1]

    def part(self, chosen: np.ndarray) -> BorderedProfile:
        """Return the profile of some of the fits."""
        return replace(self, crossed=self.crossed[:, chosen], own=self.own[:, chosen])

    def ssr(self, lam: np.ndarray) -> np.ndarray:
        """Return S at lambda by fit, (fit,) or (fit, point) or (1, point)."""
        if lam.ndim == 1:
            return self._reduced(lam)[0]
        return self._at_points(lam[0]) if len(lam) == 1 else np.stack([self.ssr(point) for point in lam.T], axis=1)

    def _at_points(self, lam: np.ndarray) -> np.ndarray:
        """Return S at values that all fits share, (fit, point)."""
        schur = np.empty((len(lam), *self.own.shape[1:]))
        for k, inner in enumerate(inverses(at(self.shared, lam[:, None, None]))):
            crossed = at(self.crossed, lam[k])
            moved = (crossed.reshape(-1, len(inner)) @ inner).reshape(crossed.shape)
            np.subtract(at(self.own, lam[k]), moved @ crossed.transpose(0, 2, 1), out=schur[k])
        return last_pivots(schur).T

    def _inverse_of_shared(self, lam: np.ndarray) -> np.ndarray:
        if self.nodes is None:
            return inverses(at(self.shared, lam[:, None, None]))
        shares, poor = self.nodes.shares(lam)
        found = (shares @ self.nodes.inverses.reshape(len(self.nodes.nodes), -1)).reshape(-1, *self.shared.shape[1:])
        if poor.any():
            found[poor] = inverses(at(self.shared, lam[poor, None, None]))
        return found

    def _reduced(self, lam: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return S, P, U = C P of the blocks C across, the inverse of the regressors' Schur complement X, and beta."""
        a = lam[:, None, None]
        P, crossed = self._inverse_of_shared(lam), at(self.crossed, a)
        U = crossed @ P
        schur = at(self.own, a) - U @ crossed.transpose(0, 2, 1)
        X, right = np.linalg.inv(schur[:, :-1, :-1]), schur[:, :-1, -1]
        beta = np.matmul(X, right[:, :, None])[:, :, 0]
        return schur[:, -1, -1] - np.einsum("bk,bk->b", beta, right), P, U, X, beta

    def _bends_of(self, lam: np.ndarray, reduced: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
        """Return the two derivatives of S, P h, and X times what is left of h for a fit's own regressors.

        With G(lambda) the products, F those shared, V = (-U, I) and H = C' - U F', the complement has the derivatives
        V G'V' and, halved, V G''V'/2 - H P H'. All are wanted in the direction of the residual, (-beta, 1): u, h.
        """
        _, P, U, X, beta = reduced
        a = lam[:, None, None]
        alone = np.concatenate([-beta, np.ones((len(lam), 1))], axis=1)[:, None]
        u = np.matmul(alone, U)
        sloped = self.crossed[1] + 2 * a * self.crossed[2]
        K = len(self.places)
        moved = (u.reshape(-1, K) @ np.concatenate([self.shared[1], self.shared[2]], axis=1))[:, None]
        h = np.matmul(alone, sloped) - (moved[:, :, :K] + 2 * a * moved[:, :, K:])
        own = np.matmul(alone, self.own[1] + 2 * a * self.own[2])
        column = own - np.matmul(u, sloped.transpose(0, 2, 1)) - np.matmul(h, U.transpose(0, 2, 1))
        first = np.matmul(column, alone.transpose(0, 2, 1))[:, 0, 0]
        bend = np.matmul(alone, self.own[2]) - 2 * np.matmul(u, self.crossed[2].transpose(0, 2, 1))
        second = np.matmul(bend, alone.transpose(0, 2, 1))[:, 0, 0]
        second += np.einsum("bk,bk->b", moved[:, 0, K:], u[:, 0])
        spread = np.matmul(h, P)[:, 0]
        second -= np.einsum("bk,bk->b", spread, h[:, 0])
        left = column[:, 0, :-1]
        turned = np.matmul(X, left[:, :, None])[:, :, 0]
        second -= np.einsum("bk,bk->b", turned, left)
        return first, 2 * second, spread, turned

    def bends(self, lam: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return S and its two derivatives at lambda by fit."""
        reduced = self._reduced(lam)
        return reduced[0], *self._bends_of(lam, reduced)[:2]

    def solve(self, lam: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return (Z'Z)^-1, b, S, db/dlambda, and the two derivatives of S."""
        reduced = self._reduced(lam)
        ssr, P, U, X, beta = reduced
        first, second, spread, turned = self._bends_of(lam, reduced)
        V = U[:, :-1]
        b = U[:, -1] - np.matmul(beta[:, None], V)[:, 0]
        moved = spread - np.matmul(turned[:, None], V)[:, 0]
        inverse = self._ordered_inverse(P, V, X)
        return inverse, self._ordered(b, beta), ssr, self._ordered(moved, turned), np.stack([first, second])

    def _order(self, n_own: int) -> np.ndarray:
        others = [k for k in range(len(self.places) + n_own) if k not in self.places]
        return np.argsort([*self.places, *others])

    def _ordered(self, shared: np.ndarray, own: np.ndarray) -> np.ndarray:
        return np.concatenate([shared, own], axis=1)[:, self._order(own.shape[1])] if own.shape[1] else shared

    def _ordered_inverse(self, P: np.ndarray, V: np.ndarray, X: np.ndarray) -> np.ndarray:
        if not V.shape[1]:
            return P
        edge = -(X @ V)
        upper = np.concatenate([P - V.transpose(0, 2, 1) @ edge, edge.transpose(0, 2, 1)], axis=2)
        whole = np.concatenate([upper, np.concatenate([edge, X], axis=2)], axis=1)
        order = self._order(V.shape[1])
        return whole[:, order[:, None], order]


def at(powers: np.ndarray, a: np.ndarray) -> np.ndarray:
    """Return the values at `a` of a polynomial given by its three coefficients."""
    return powers[0] + a * (powers[1] + a * powers[2])
