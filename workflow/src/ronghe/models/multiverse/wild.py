"""The null in which each specification holds without its treatment: residuals of whole regions get random signs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ronghe.models.multiverse.declaration import Setting
from ronghe.models.multiverse.refits import judged
from ronghe.models.multiverse.run import Members
from ronghe.models.multiverse.settings import Settings
from ronghe.spatial.batch.subset_fits import SubsetFits


@dataclass(frozen=True)
class World:
    """Outcomes without the treatment by specification: y* = mean + spread (v e), v one sign for each region.

    `spread` is (I - rho W)^-1 or (I - lambda W)^-1. Means and spreads are those of Q y* and Q W y*, side by side as
    (specification, which, ...). Effects need not be in the mean: every fit takes them out. Those of units v e has not,
    so that the projection of the spread is that over units.
    """

    mean: np.ndarray
    spread: np.ndarray
    e: np.ndarray

    @classmethod
    def of(cls, null: SubsetFits) -> World:
        """Take mean and residuals of fits without the treatment.

        Residuals are scaled for what the effects of time and the coefficients took of their variance.
        """
        N, T = null.data.shape
        fitted = null.data.columns.combine(null.b, null.columns, null.draw).reshape(-1, N, T)
        if null.profile is None:
            spread = np.broadcast_to(np.eye(N), (len(fitted), N, N))
        else:
            spread = null.data.jacobian.spectrum.solve(null.spatial, np.broadcast_to(np.eye(N), (len(fitted), N, N)))
        scale = null.nobs / (null.nobs - null.b.shape[1])
        scale *= N / (N - 1) if null.data.projection.has_time else 1.0
        e = np.sqrt(scale) * null.residuals.reshape(-1, N, T)
        mean, W = spread @ fitted if null.has_lag else fitted, null.data.weights
        both = [m if W is None else np.stack([m, W.sparse.toarray() @ m], axis=1) for m in (mean, spread)]
        means, spreads = (m.reshape(len(m), -1, *m.shape[-2:]) for m in both)
        means = null.data.projection.apply_to_draws(means.reshape(-1, N, T).copy()).reshape(means.shape)
        if null.data.projection.has_time:
            spreads = spreads - spreads.mean(axis=2, keepdims=True)
        return cls(means, spreads, e)

    def outcomes(self, k: int, signs: np.ndarray) -> np.ndarray:
        """Return Q y* and Q W y* of the k-th specification, (which, draw, cell), for signs (draw, unit)."""
        N, T = self.e.shape[1:]
        signed = (signs.T[:, :, None] * self.e[k][:, None]).reshape(N, -1)
        found = (self.spread[k].reshape(-1, N) @ signed).reshape(-1, N, len(signs), T).transpose(0, 2, 1, 3)
        return (found + self.mean[k][:, None]).reshape(-1, len(signs), N * T)


class Wild:
    """Some specifications of a setting, each with outcomes of its own in every draw.

    The restricted wild cluster bootstrap (Cameron, Gelbach and Miller 2008): coefficients, rho, lambda and residuals
    are those of the same model without the treatment and its lag. A draw has the same signs in all specifications.
    """

    def __init__(self, source: Settings, setting: Setting, members: np.ndarray) -> None:
        self.source, self.members = source, members
        rows = source.rows(setting)
        self.shared, self.outcomes = source.with_outcomes(setting, rows)
        self.places, self.n_regions = source.places(setting), source.data.panel.index.unique(0).size
        self.all, observed = Members(source.multiverse, setting), source.specifications(setting)
        self.parts = []
        for model, part, columns in self.all.blocks(source, members):
            null = observed.fit(model, columns[:, 1:], self.all.outcome[part])
            self.parts.append((model, part, null.refused == 0, columns, World.of(null)))

    def refit(self, draws: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Return estimates and p-values (draw, specification); none where the model without the treatment has none."""
        seed = self.source.multiverse.seed
        signs = np.stack([_signs(seed, k, self.n_regions)[self.places] for k in draws])
        found = np.full((2, len(draws), len(self.members)), np.nan)
        for model, part, able, columns, world in self.parts:
            for k in np.flatnonzero(able):
                alone = self.shared.alone(model, columns[k], self.outcomes[self.all.outcome[part[k]]])
                outcomes = world.outcomes(k, signs)
                outcomes[:, np.array(draws) == 0] = alone.columns.flat.T[: len(outcomes), None]
                moved = alone.with_outcomes(outcomes)
                here = np.searchsorted(self.members, part[k])
                found[:, :, here] = judged(self.source, moved, model, columns.shape[1], len(draws))
        return tuple(found)


@lru_cache(maxsize=4096)
def _signs(seed: int, draw: int, n_regions: int) -> np.ndarray:
    """Return 1 or -1 for each region of the panel."""
    return 1.0 - 2.0 * np.random.default_rng([seed, 3, draw]).integers(0, 2, n_regions)
