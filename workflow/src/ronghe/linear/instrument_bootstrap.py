"""Wild bootstraps of instrumental variables for few clusters: the coefficient, and Anderson and Rubin's test and set.

Both impose the null and give every cluster one weight. They are for errors clustered one way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import optimize

from ronghe.errors import RongheError
from ronghe.linear.algebra import least_squares
from ronghe.linear.bootstrap import cluster_weights
from ronghe.linear.few_clusters import LinearClusters
from ronghe.linear.layout import group_sums
from ronghe.linear.least_squares import LeastSquares
from ronghe.linear.two_stage import Problem, effects_of
from ronghe.linear.wild_bootstrap import sums

# Draws at once, and points of the line on which a set's ends are looked for.
AT_ONCE, ANGLES = 500, 201
STUDENTISED = "CR3"


def clusters_of(problem: Problem, X: np.ndarray, residuals: np.ndarray, coefficients: np.ndarray) -> LinearClusters:
    """Return the leverage of the clusters in the columns X of a problem; refuse other errors than one-way clusters."""
    choice = problem.choice
    if choice.kind != "clustered" or len(choice.cluster) != 1:
        raise RongheError("wild bootstrap: errors must be clustered one way; cluster by units or by time")
    fit = LeastSquares(coefficients, residuals, problem.y, X, problem.df(X.shape[1]))
    return LinearClusters(fit, problem.layout, effects_of(problem), choice.cluster[0])


def restricted_efficient(
    problem: Problem, value: float = 0.0, draws: int = 9999, weights: str = "rademacher", seed: int = 0
) -> tuple[float, float]:
    """Return the clustered t of one endogenous regressor's coefficient and its restricted efficient wild bootstrap p.

    Davidson and MacKinnon (2010, section 3), by cluster: u of the structural equation under the null; the first stage
    is fitted with u beside the instruments, which makes its coefficients efficient; both residuals of a cluster get
    the same weight. The statistic carries no small-sample factor, and neither do its draws.

    >>> from ronghe.linear import Choice, Layout, project
    >>> rng = np.random.default_rng(0)
    >>> layout = Layout(units=np.repeat(np.arange(20), 5), times=np.tile(np.arange(5), 20))
    >>> z, e = rng.normal(size=(2, 100))
    >>> problem = project(e, np.column_stack([z + e, z]), (["x"], [], ["z"]), layout, "units", Choice())
    >>> t, p = restricted_efficient(problem, draws=99)
    >>> 0 < p <= 1
    True
    """
    if problem.endogenous.shape[1] != 1:
        raise RongheError("wild restricted efficient bootstrap: for one endogenous regressor; use Anderson-Rubin tests")
    clusters = clusters_of(problem, problem.Z, problem.y, problem.y[:0])
    y, x, codes = problem.y, problem.endogenous[:, 0], clusters.codes
    # Exogenous regressors and the effects that draws do not leave as they are: M takes both out.
    basis = np.linalg.qr(np.column_stack([problem.exogenous, clusters.crossing]))[0]

    def remove(columns: np.ndarray) -> np.ndarray:
        return columns - basis @ (basis.T @ columns)

    Z = np.linalg.qr(remove(problem.excluded))[0]
    y, x = remove(y), remove(x)
    u = y - value * x
    first = least_squares(np.column_stack([Z, u]), x)[:-1]
    fitted = Z @ first
    v = x - fitted
    observed = _t(y[:, None], x[:, None], Z, codes, value)[0]
    w = cluster_weights(clusters.n_clusters, draws, weights, seed)
    above = 0
    for start in range(0, len(w), AT_ONCE):
        own = w[start : start + AT_ONCE].T[codes]
        drawn_x = remove(fitted[:, None] + own * v[:, None])
        drawn_y = value * drawn_x + remove(own * u[:, None])
        above += int(np.sum(np.abs(_t(drawn_y, drawn_x, Z, codes, value)) >= abs(observed) * (1 - 1e-10)))
    extra = 0 if weights == "rademacher" and len(w) == 2**clusters.n_clusters else 1
    return float(observed), (above + extra) / (len(w) + extra)


def _t(y: np.ndarray, x: np.ndarray, Z: np.ndarray, codes: np.ndarray, value: float) -> np.ndarray:
    """Return the clustered t of two-stage least squares for outcomes and regressors (row, draw), Z orthonormal."""
    predicted = Z @ (Z.T @ x)
    size = np.einsum("nb,nb->b", predicted, x)
    beta = np.einsum("nb,nb->b", predicted, y) / size
    scores = group_sums(predicted * (y - beta * x), codes)
    return (beta - value) * np.abs(size) / np.sqrt(np.einsum("gb,gb->b", scores, scores))


@dataclass(frozen=True)
class AndersonRubinWild:
    """Anderson and Rubin's test of any value of the endogenous coefficients, by wild bootstrap, null imposed.

    The residuals of y - x beta on the exogenous regressors are linear in beta, and so are the draws' sums by cluster
    (`wild_bootstrap.sums`): `tops` and `influences` have one entry for y and one for each endogenous regressor.
    """

    coefficients: np.ndarray
    scores: np.ndarray
    tops: np.ndarray
    influences: np.ndarray
    enumerated: bool

    @classmethod
    def of(cls, problem: Problem, draws: int = 9999, weights: str = "rademacher", seed: int = 0) -> AndersonRubinWild:
        """Lay out the reduced forms of y and x, and draw."""
        Z, L = problem.Z, problem.excluded.shape[1]
        columns = np.column_stack([problem.y, -problem.endogenous])
        own = least_squares(Z, columns)
        inner = columns - problem.exogenous @ least_squares(problem.exogenous, columns)
        parts, scores = [], []
        v = None
        for j, column in enumerate(columns.T):
            clusters = clusters_of(problem, Z, column - Z @ own[:, j], own[:, j])
            if v is None:
                v = cluster_weights(clusters.n_clusters, draws, weights, seed)
            rows = np.eye(Z.shape[1])[:L]
            parts.append([sums(clusters, row, inner[:, j], np.zeros(len(Z)), STUDENTISED) for row in rows])
            adjusted = Z * clusters.adjusted(STUDENTISED)[:, None]
            scores.append((group_sums(adjusted, clusters.codes) @ clusters.fit.bread)[:, :L])
        tops = np.stack([np.stack([v @ p.numerators[0] for p in part], axis=1) for part in parts])
        influences = np.stack([np.stack([v @ p.influences[0].T for p in part], axis=2) for part in parts])
        enumerated = weights == "rademacher" and len(v) == 2 ** v.shape[1]
        return cls(own[:L].T, np.stack(scores), tops, influences, enumerated)

    def statistic(self, beta: np.ndarray) -> float:
        """Return the clustered Wald statistic of the excluded instruments (CR3, no factor)."""
        a = np.append(1.0, beta)
        gap, scores = a @ self.coefficients, np.tensordot(a, self.scores, axes=1)
        return float(gap @ np.linalg.solve(scores.T @ scores, gap))

    def pvalue(self, beta: np.ndarray) -> float:
        """Return the bootstrap p-value of the endogenous coefficients being `beta`."""
        a = np.append(1.0, beta)
        tops = np.tensordot(a, self.tops, axes=1)
        influences = np.tensordot(a, self.influences, axes=1)
        V = influences.transpose(0, 2, 1) @ influences
        drawn = np.einsum("bi,bi->b", tops, np.linalg.solve(V, tops[:, :, None])[:, :, 0])
        above = np.sum(drawn >= self.statistic(beta) * (1 - 1e-10))
        extra = 0 if self.enumerated else 1
        return float((above + extra) / (len(drawn) + extra))

    def pieces(self, level: float = 0.95, points: int = ANGLES) -> list[tuple[float, float]]:
        """Return the intervals of one coefficient that are not rejected; none, bounded, or with open ends.

        The line is mapped to angles, beta = centre + scale tan(angle), and ends are found by halving between them: the
        same draws serve every value, so that the set holds exactly what `pvalue` does not reject on this grid.
        """
        if len(self.coefficients) != 2:
            raise RongheError("Anderson-Rubin set: for one endogenous regressor")
        y, x = self.coefficients
        centre = -float(y @ x / (x @ x))
        scale = float(np.sqrt(np.sum(self.scores[0] ** 2) / np.sum(self.scores[1] ** 2)))
        betas = centre + scale * np.tan(np.linspace(-np.pi / 2, np.pi / 2, points + 2)[1:-1])
        betas = np.unique(np.append(betas, 0.0))

        def excess(beta: float) -> float:
            return self.pvalue(np.array([beta])) - (1 - level) - 1e-12

        inside = np.array([excess(b) > 0 for b in betas])
        edges = np.flatnonzero(inside[1:] != inside[:-1])
        ends = [optimize.bisect(excess, betas[i], betas[i + 1], xtol=1e-6 * scale) for i in edges]
        bounds = ([-np.inf] if inside[0] else []) + ends + ([np.inf] if inside[-1] else [])
        return list(zip(bounds[::2], bounds[1::2], strict=True))


def anderson_rubin_wild_set(
    found: AndersonRubinWild, name: str, level: float = 0.95, points: int = ANGLES
) -> pd.DataFrame:
    """Return the set as a table of its pieces."""
    columns = ["term", "level", "lower", "upper"]
    return pd.DataFrame([(name, level, *ends) for ends in found.pieces(level, points)], columns=columns)
