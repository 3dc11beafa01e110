"""The null in which each specification holds without its treatment: residuals of whole regions get random signs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ronghe.models.multiverse.declaration import Setting
from ronghe.models.multiverse.refits import blocks, judged
from ronghe.models.multiverse.run import Members
from ronghe.models.multiverse.settings import Settings
from ronghe.spatial.batch.subset_fits import SubsetFits


@dataclass(frozen=True)
class World:
    """Outcomes without the treatment by specification: y* = mean + spread (v e), v one sign for each region.

    `spread` is (I - rho W)^-1 or (I - lambda W)^-1. Effects need not be in the mean: every fit takes them out.
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
        return cls(spread @ fitted if null.has_lag else fitted, spread, e)

    def outcomes(self, signs: np.ndarray) -> np.ndarray:
        """Return y* (draw, specification, unit, period) for signs (draw, unit)."""
        return self.mean + self.spread @ (signs[:, None, :, None] * self.e)


class Wild:
    """Some specifications of a setting, each with outcomes of its own in every draw.

    The restricted wild cluster bootstrap (Cameron, Gelbach and Miller 2008): coefficients, rho, lambda and residuals
    are those of the same model without the treatment and its lag. A draw has the same signs in all specifications.
    """

    def __init__(self, source: Settings, setting: Setting, members: np.ndarray) -> None:
        self.source, self.members = source, members
        rows = source.rows(setting)
        self.shared = source.shared(setting, rows)
        self.places, self.n_regions = source.places(setting), source.data.panel.index.unique(0).size
        everything, observed = Members(source.multiverse, setting), source.specifications(setting)
        self.parts = []
        for model, part, columns in blocks(everything, source, members):
            outcome = everything.outcome[part]
            null = observed.fit(model, columns[:, 1:], outcome)
            here, able = np.searchsorted(members, part), null.refused == 0
            self.parts.append((model, here, able, columns, rows.y[outcome], World.of(null)))

    def refit(self, draws: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Return estimates and p-values (draw, specification); none where the model without the treatment has none."""
        seed = self.source.multiverse.seed
        signs = np.stack([_signs(seed, k, self.n_regions)[self.places] for k in draws])
        found = np.full((2, len(draws), len(self.members)), np.nan)
        for model, here, able, columns, y, world in self.parts:
            outcomes = world.outcomes(signs)
            outcomes[np.array(draws) == 0] = y
            outcomes = outcomes.reshape(-1, 1, *y.shape[1:])
            moved = self.shared.with_columns([], outcomes, outcome=True)
            refitted = judged(self.source, moved, model, columns, np.arange(len(outcomes)))
            found[:, :, here] = np.where(able, refitted, np.nan)
        return tuple(found)


@lru_cache(maxsize=4096)
def _signs(seed: int, draw: int, n_regions: int) -> np.ndarray:
    """Return 1 or -1 for each region of the panel."""
    return 1.0 - 2.0 * np.random.default_rng([seed, 3, draw]).integers(0, 2, n_regions)
