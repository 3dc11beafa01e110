"""The wild cluster bootstrap of linear panel models from sums by cluster: p-values, intervals and joint tests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ronghe.errors import RongheError, require_known
from ronghe.linear.bootstrap import cluster_weights
from ronghe.linear.clusters import POWERS
from ronghe.linear.few_clusters import LinearClusters
from ronghe.linear.layout import group_sums

KINDS = ("CR0", "CR1", "CR2", "CR3")


@dataclass(frozen=True)
class Sums:
    """What a draw needs: numerator p'v and influences (P - Q) v of one combination, in powers of the value tested.

    Roodman, MacKinnon, Nielsen and Webb (2019, section 5): with u_g the residuals under the null and v_g the weight
    of cluster g, c'(b* - b0) = sum_g v_g p_g with p_g = c'(X'X)^-1 X_g'u_g, and the influence of cluster g is
    v_g a_g'u_g - (F_g'a_g)' sum_h v_h F_h'u_h, a_g = A_g X_g (X'X)^-1 c. No draw has rows. u is linear in the value
    tested, so that all are; `numerators` are (2, G), `influences` (2, G, G).
    """

    numerators: np.ndarray
    influences: np.ndarray


def sums(clusters: LinearClusters, c: np.ndarray, residuals: np.ndarray, slope: np.ndarray, kind: str) -> Sums:
    """Return the sums for residuals u0 + value u1 under the null."""
    fit = clusters.fit
    direction = clusters.blocks.gather(fit.X @ (fit.bread @ c))
    lever = clusters.leverage
    a = lever.adjust(direction, POWERS[kind])
    spread = np.einsum("gmr,gm->gr", lever.F, a)
    G = clusters.n_clusters
    numerators, influences = np.empty((2, G)), np.empty((2, G, G))
    for i, u in enumerate((residuals, slope)):
        rows = clusters.blocks.gather(u)
        numerators[i] = np.einsum("gm,gm->g", direction, rows)
        influences[i] = -spread @ np.einsum("gmr,gm->gr", lever.F, rows).T
        influences[i, np.arange(G), np.arange(G)] += np.einsum("gm,gm->g", a, rows)
    return Sums(numerators, influences)


@dataclass(frozen=True)
class LinearWild:
    """Draws of t for one combination c'b, as functions of the value tested.

    `null` says whether residuals are those under it (WCR) or not (WCU); `residuals` CR3 takes (I - H_gg)^-1 e_g.

    >>> from ronghe.linear import Layout, LinearClusters, fit_least_squares
    >>> rng = np.random.default_rng(0)
    >>> layout = Layout(units=np.repeat(np.arange(20), 5), times=np.tile(np.arange(5), 20))
    >>> X = rng.normal(size=(100, 1))
    >>> clusters = LinearClusters(fit_least_squares(rng.normal(size=100), X, layout, "units"), layout, "units")
    >>> draws = LinearWild.of(clusters, np.ones(1), draws=99)
    >>> draws.null, draws.estimate == float(clusters.fit.coefficients[0])
    (True, True)
    """

    estimate: float
    error: float
    numerators: np.ndarray
    squares: np.ndarray
    null: bool
    enumerated: bool

    @classmethod
    def of(
        cls,
        clusters: LinearClusters,
        c: np.ndarray,
        draws: int = 9999,
        studentised: str = "CR1",
        null: bool = True,
        residuals: str = "CR0",
        weights: str = "rademacher",
        seed: int = 0,
    ) -> LinearWild:
        """Draw; the factor of CR1 is in both the statistic and the draws, and drops out."""
        require_known(studentised, KINDS, "studentised", "wild bootstrap")
        require_known(residuals, KINDS, "residuals", "wild bootstrap")
        fit = clusters.fit
        c = np.asarray(c, dtype=float)
        estimate = float(c @ fit.coefficients)
        path = fit.X @ (fit.bread @ c) / float(c @ fit.bread @ c) if null else np.zeros(len(fit.y))
        base = fit.residuals + path * estimate

        def carried(u: np.ndarray) -> np.ndarray:
            rows = clusters.leverage.adjust(clusters.blocks.gather(u), POWERS[residuals])
            return clusters.blocks.scatter(rows, len(u))

        s = sums(clusters, c, carried(base), carried(-path), studentised)
        v = cluster_weights(clusters.n_clusters, draws, weights, seed)
        numerators = s.numerators @ v.T
        spread = s.influences @ v.T
        squares = np.stack(
            [(spread[0] ** 2).sum(axis=0), 2 * (spread[0] * spread[1]).sum(axis=0), (spread[1] ** 2).sum(axis=0)]
        )
        e = group_sums(clusters.fit.X * clusters.adjusted(studentised)[:, None], clusters.codes)
        error = float(np.sqrt(np.sum((e @ (fit.bread @ c)) ** 2)))
        enumerated = weights == "rademacher" and len(v) == 2**clusters.n_clusters
        return cls(estimate, error, numerators, squares, null, enumerated)

    def draws(self, value: float) -> np.ndarray:
        """Return t* at a value tested."""
        top = self.numerators[0] + value * self.numerators[1]
        bottom = self.squares[0] + value * self.squares[1] + value**2 * self.squares[2]
        return top / np.sqrt(np.maximum(bottom, np.finfo(float).tiny))

    def pvalue(self, value: float = 0.0) -> float:
        """Return the symmetric p-value of c'b = value."""
        t = abs(self.estimate - value) / self.error
        above = np.sum(np.abs(self.draws(value)) >= t * (1 - 1e-10))
        extra = 0 if self.enumerated else 1
        return float((above + extra) / (self.numerators.shape[1] + extra))

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the values that are not rejected: studentised where the null is not imposed, else by inversion."""
        if not 0 < level < 1:
            raise RongheError(f"wild bootstrap: level must lie between 0 and 1, not {level}")
        if not self.null:
            order = np.sort(np.abs(self.draws(0.0)))
            half = order[min(int(np.ceil(level * (len(order) + 1) - 1e-9)), len(order)) - 1] * self.error
            return self.estimate - half, self.estimate + half
        return self._end(-1.0, level), self._end(1.0, level)

    def _end(self, side: float, level: float) -> float:
        inside, reach = 0.0, 2.0
        while self.pvalue(self.estimate + side * reach * self.error) > 1 - level:
            inside, reach = reach, 2 * reach
            if reach > 1e4:
                return side * np.inf
        for _ in range(50):
            middle = 0.5 * (inside + reach)
            if self.pvalue(self.estimate + side * middle * self.error) > 1 - level:
                inside = middle
            else:
                reach = middle
        return self.estimate + side * 0.5 * (inside + reach) * self.error


def joint_pvalue(
    clusters: LinearClusters,
    R: np.ndarray,
    draws: int = 9999,
    studentised: str = "CR3",
    weights: str = "rademacher",
    seed: int = 0,
) -> tuple[float, float]:
    """Return the clustered Wald statistic of R b = 0 and its wild bootstrap p-value, null imposed."""
    require_known(studentised, KINDS, "studentised", "wild bootstrap")
    fit = clusters.fit
    R = np.atleast_2d(np.asarray(R, dtype=float))
    gap = R @ fit.coefficients
    spread = fit.bread @ R.T
    u = fit.residuals + fit.X @ (spread @ np.linalg.solve(R @ spread, gap))
    v = cluster_weights(clusters.n_clusters, draws, weights, seed)
    parts = [sums(clusters, row, u, np.zeros_like(u), studentised) for row in R]
    tops = np.stack([p.numerators[0] @ v.T for p in parts], axis=1)
    influences = np.stack([v @ p.influences[0].T for p in parts], axis=2)
    V = influences.transpose(0, 2, 1) @ influences
    drawn = np.einsum("bi,bi->b", tops, np.linalg.solve(V, tops[:, :, None])[:, :, 0])
    scores = group_sums(fit.X * clusters.adjusted(studentised)[:, None], clusters.codes) @ spread
    found = float(gap @ np.linalg.solve(scores.T @ scores, gap))
    extra = 0 if weights == "rademacher" and len(v) == 2**clusters.n_clusters else 1
    above = np.sum(drawn >= found * (1 - 1e-10))
    return found, float((above + extra) / (len(v) + extra))
