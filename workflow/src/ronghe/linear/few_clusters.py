"""Covariances for few clusters in linear panel models: CR1, CR2, CR3 and the jackknife, with degrees of freedom."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, require_known
from ronghe.linear import absorption
from ronghe.linear.clusters import POWERS, Blocks, ClusterLeverage, Working, freedom
from ronghe.linear.covariance import LEVERAGED, Choice, degrees_taken
from ronghe.linear.inference import coefficient_table
from ronghe.linear.layout import Layout, group_sums
from ronghe.linear.least_squares import LeastSquares

# Dummies of effects that cross the clusters are columns; more of them than this are refused.
MOST_DUMMIES = 1500


def rests_on_leverage(choice: Choice) -> bool:
    """Return whether the leverage of clusters enters; refuse where there is no single way of clustering."""
    asked = choice.small_sample in LEVERAGED or choice.df in ("satterthwaite", "working", "normal")
    if asked and (choice.kind != "clustered" or len(choice.cluster) != 1):
        name = choice.small_sample if choice.small_sample in LEVERAGED else choice.df
        raise RongheError(
            f"'{name}' is for errors clustered one way; cluster by units or by time, or leave small_sample and df out"
        )
    return asked


def kind_of(choice: Choice) -> str:
    """Return the covariance in the words of this module."""
    return {"jackknife": "CR3", "clusters": "CR1"}.get(choice.small_sample, choice.small_sample)


@dataclass(frozen=True)
class LinearClusters:
    """The leverage of clusters in least squares with effects swept out.

    `cluster` is units, time, or codes of one cluster per row (groups of units). Effects nested in the clusters leave
    CR2 and CR3 as they are (Pustejovsky and Tipton 2018, theorem 2); those that cross them have leverage.

    >>> from ronghe.linear import Layout, fit_least_squares
    >>> rng = np.random.default_rng(0)
    >>> layout = Layout(units=np.repeat(np.arange(20), 5), times=np.tile(np.arange(5), 20))
    >>> X = rng.normal(size=(100, 1))
    >>> clusters = LinearClusters(fit_least_squares(rng.normal(size=100), X, layout, "units"), layout, "units")
    >>> clusters.n_clusters
    20
    """

    fit: LeastSquares
    layout: Layout
    effects: str
    cluster: str | np.ndarray = "units"

    @cached_property
    def codes(self) -> np.ndarray:
        """Cluster of every row."""
        if isinstance(self.cluster, str):
            require_known(self.cluster, ("units", "time"), "cluster", "few clusters")
            return self.layout.units if self.cluster == "units" else self.layout.times
        codes = np.asarray(self.cluster)
        pairs = np.unique(np.stack([self.layout.units, codes]), axis=1)
        if pairs.shape[1] != self.layout.n_units:
            raise RongheError("few clusters: some units stand in several clusters; give one cluster for each unit")
        return codes

    @cached_property
    def blocks(self) -> Blocks:
        """Rows by cluster."""
        return Blocks.of(self.codes)

    @property
    def n_clusters(self) -> int:
        """Number of clusters."""
        return self.blocks.n_clusters

    @cached_property
    def crossing(self) -> np.ndarray:
        """An orthonormal basis of the effects that are not nested in the clusters (row, column)."""
        n = len(self.fit.y)
        if self.effects == "pooled":
            return np.full((n, 1), n**-0.5)
        by_time = isinstance(self.cluster, str) and self.cluster == "time"
        own, other = ("time", "units") if by_time else ("units", "time")
        if self.effects not in (other, "twoways"):
            return np.zeros((n, 0))
        codes = self.layout.units if by_time else self.layout.times
        if codes.max() >= MOST_DUMMIES:
            raise RongheError(
                f"few clusters: {codes.max() + 1} dummies of {other} cross the clusters; cluster by units, "
                "or choose other effects"
            )
        dummies = np.eye(int(codes.max()) + 1)[codes]
        if self.effects == "twoways":
            dummies = absorption.absorb(dummies, self.layout, own)
        values, vectors = np.linalg.eigh(dummies.T @ dummies)
        kept = values > 1e-10 * values.max()
        return dummies @ (vectors[:, kept] / np.sqrt(values[kept]))

    @cached_property
    def F(self) -> np.ndarray:
        """F with F F' the projection on regressors and crossing effects, (row, column)."""
        X = self.fit.X
        scale = np.sqrt(np.einsum("nk,nk->k", X, X))
        values, vectors = np.linalg.eigh((X / scale).T @ (X / scale))
        return np.column_stack([(X / scale) @ (vectors / np.sqrt(values)), self.crossing])

    @cached_property
    def leverage(self) -> ClusterLeverage:
        """F by cluster."""
        return ClusterLeverage(self.blocks.gather(self.F))

    def adjusted(self, kind: str) -> np.ndarray:
        """Return (I - H_gg)^power e_g by row."""
        e = self.leverage.adjust(self.blocks.gather(self.fit.residuals), POWERS[kind])
        return self.blocks.scatter(e, len(self.fit.y))

    def covariance(self, kind: str) -> np.ndarray:
        """Return the covariance of the coefficients: CR1 as `covariance.sandwich`, CR2, or CR3 times (G - 1) / G.

        CR3 so scaled is the jackknife (G - 1) / G sum_g (b_(g) - b)(b_(g) - b)' (MacKinnon, Nielsen and Webb
        2023).
        """
        require_known(kind, POWERS, "small_sample", "few clusters")
        scores = group_sums(self.fit.X * self.adjusted(kind)[:, None], self.codes)
        V = self.fit.bread @ (scores.T @ scores) @ self.fit.bread
        return self._factor(kind) * V

    def _factor(self, kind: str) -> float:
        G, (n, k) = self.n_clusters, self.fit.X.shape
        if kind == "CR3":
            return (G - 1) / G
        if kind != "CR1":
            return 1.0
        absorbed = absorption.count(self.layout, self.effects)
        dimension = self.cluster if isinstance(self.cluster, str) else "units"
        parameters = k + degrees_taken(absorbed, Choice("clustered", (dimension,)))
        return G / (G - 1) * (n - 1) / (n - parameters)

    def without_each(self) -> np.ndarray:
        """Return the coefficients without each cluster (cluster, column)."""
        scores = group_sums(self.fit.X * self.adjusted("CR3")[:, None], self.codes)
        return self.fit.coefficients - scores @ self.fit.bread

    def freedom(self, kind: str, gradients: np.ndarray, df: str | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return factors of the variance and degrees of freedom of combinations (quantity, column); see `clusters`."""
        directions = self.blocks.gather(self.fit.X @ (self.fit.bread @ gradients.T))
        size = np.sqrt((directions**2).sum(axis=(0, 1)))
        return freedom(self.leverage, directions / size, kind, df, lambda: self._working)

    @cached_property
    def _working(self) -> Working:
        demeaned = self.effects in ("units", "twoways")
        return Working.estimated(self.adjusted("CR2"), self.layout.units, self.layout.times, self.blocks, demeaned)

    def tidy(
        self, names: list[str], kind: str = "corrected", df: str | None = None, level: float = 0.95
    ) -> pd.DataFrame:
        """Return one row per term; p-value and interval come from one t distribution."""
        factors, found = self.freedom(kind, np.eye(len(names)), df)
        return coefficient_table(names, self.fit.coefficients, self.covariance(kind), found, level, factors)
