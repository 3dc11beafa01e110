"""The null in which the treatments' histories could have fallen to any region: they are dealt out anew."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from ronghe.models.multiverse.declaration import Setting
from ronghe.models.multiverse.refits import judged
from ronghe.models.multiverse.run import Members
from ronghe.models.multiverse.settings import Settings


class Permuted:
    """Some specifications of a setting; in each draw every region has the whole history of another's treatments.

    The history is one for all treatments, samples and specifications of a draw; lags W x follow.
    """

    def __init__(self, source: Settings, setting: Setting, members: np.ndarray) -> None:
        self.source, self.members = source, members
        self.setting, self.rows = setting, source.rows(setting)
        self.places, self.n_regions = source.places(setting), source.data.panel.index.unique(0).size
        self.all = Members(source.multiverse, setting)
        self.shared, self.outcomes = source.with_outcomes(setting, self.rows)

    def refit(self, draws: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Return estimates and p-values (draw, specification)."""
        seed, treated = self.source.multiverse.seed, range(len(self.source.multiverse.levels("treatment")))
        orders = np.stack([np.argsort(_keys(seed, k, self.n_regions)[self.places], kind="stable") for k in draws])
        histories = self.rows.X[:, :, : len(treated)][orders].transpose(0, 3, 1, 2)
        shared = self.shared.with_columns(treated, histories)
        found = np.full((2, len(draws), len(self.members)), np.nan)
        for model, part, columns in self.all.blocks(self.source, self.members):
            for member, regressors in zip(part, columns, strict=True):
                alone = shared.alone(model, regressors, self.outcomes[self.all.outcome[member]])
                here = np.searchsorted(self.members, member)
                found[:, :, here] = judged(self.source, alone, model, len(regressors), len(draws))
        return tuple(found)


@lru_cache(maxsize=4096)
def _keys(seed: int, draw: int, n_regions: int) -> np.ndarray:
    """Return keys by which regions are dealt histories; all samples of one draw deal by the same."""
    return np.random.default_rng([seed, 2, draw]).random(n_regions) if draw else np.arange(n_regions, dtype=float)
