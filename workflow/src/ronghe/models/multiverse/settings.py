"""From one setting of a multiverse to the cross-products that all its specifications share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from ronghe.errors import RongheError
from ronghe.models.design.design import Design, build
from ronghe.models.design.weights import weights_of
from ronghe.models.estimate import Data
from ronghe.models.multiverse.declaration import NO_WEIGHTS, Multiverse, Setting
from ronghe.spatial.batch.specifications import Specifications
from ronghe.weights.matrix import Weights

# Above this many regions the arrays that all specifications share exceed half a gigabyte.
MOST_REGIONS = 400


class Refusal(RongheError):
    """A setting in which nothing can be estimated: a code for the table of refusals, and the reason in words."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(frozen=True)
class Rows:
    """Outcomes (outcome, unit, period) and regressors (unit, period, column) of one setting."""

    y: np.ndarray
    X: np.ndarray
    index: pd.MultiIndex
    weights: Weights | None


class Settings:
    """Lays out rows, weights and products of any setting; what settings share is read once."""

    def __init__(self, multiverse: Multiverse, samples: dict[str, dict], data: Data) -> None:
        self.multiverse, self.samples, self.data = multiverse, samples, data
        # Columns of X: treatments, then the controls of every specification, then those to choose from.
        self.names = (*multiverse.levels("treatment"), *multiverse.always, *multiverse.choose)
        self._design = lru_cache(maxsize=2)(self._build)
        self._arrays = lru_cache(maxsize=2)(self._lay_out)
        self._weights = lru_cache(maxsize=None)(self._cut)

    def _build(self, sample: str, winsorise: float) -> Design:
        entry = self.multiverse.entry
        columns = {
            "outcome": entry["outcomes"][:1],
            "treatment": entry["treatments"],
            "controls": [*self.multiverse.always_declared, *self.multiverse.choose_declared],
            "others": entry["outcomes"][1:],
            "sample": self.samples[sample],
            "winsorise": winsorise,
        }
        try:
            return build(columns, self.data, ("others",))
        except RongheError as error:
            raise RongheError(f"multiverse: sample '{sample}': {error}") from error

    def _cut(self, name: str, sample: str) -> Weights:
        design = self._design(sample, self.multiverse.levels("winsorise")[0])
        try:
            W, _ = weights_of({"weights": name}, self.data, design)
        except RongheError as error:
            raise Refusal("islands", str(error)) from error
        return W.align(list(design.index.levels[0]))

    def places(self, setting: Setting) -> np.ndarray:
        """Return where the regions of a setting stand among all regions of the panel."""
        regions = self.data.panel.index.unique(0).sort_values()
        return regions.get_indexer(self._design(setting.sample, setting.winsorise).index.levels[0])

    def rows(self, setting: Setting) -> Rows:
        """Return the rows of a setting, scaled to standard deviations where the multiverse asks for it."""
        design = self._design(setting.sample, setting.winsorise)
        N, T = design.layout.n_units, design.layout.n_periods
        if N > MOST_REGIONS:
            raise RongheError(
                f"multiverse: sample '{setting.sample}' has {N} regions, and what all specifications share takes N^3 "
                f"numbers: {MOST_REGIONS} at the most; give samples of fewer regions, or name single specifications in "
                "specifications.yaml"
            )
        if design.nobs != N * T:
            raise Refusal("unbalanced", f"sample '{setting.sample}' has {design.nobs} rows of {N} regions x {T} years")
        W = None if setting.weights == NO_WEIGHTS else self._weights(setting.weights, setting.sample)
        y, X = self._arrays(setting.sample, setting.winsorise)
        return Rows(y.T.reshape(-1, N, T), X.reshape(N, T, -1), design.index, W)

    def _lay_out(self, sample: str, winsorise: float) -> tuple[np.ndarray, np.ndarray]:
        frame = self._design(sample, winsorise).frame
        y = frame[self.multiverse.levels("outcome")].to_numpy(float)
        X = frame[list(self.names)].to_numpy(float)
        if self.multiverse.entry["standardise"]:
            treated = len(self.multiverse.levels("treatment"))
            y = _standardised(y)
            X = np.concatenate([_standardised(X[:, :treated]), X[:, treated:]], axis=1)
        return y, X

    def shared(self, setting: Setting, rows: Rows, outcome: int = 0) -> Specifications:
        """Return the cross-products of a setting with one outcome."""
        effects, method = setting.fixed_effects, self.multiverse.entry["method"]
        return Specifications.of(rows.y[outcome], rows.X, self.names, rows.weights, effects, method, "multiverse")

    def with_outcomes(self, setting: Setting, rows: Rows) -> tuple[Specifications, range]:
        """Return the cross-products of a setting with all outcomes beside the regressors, and their places there."""
        X = np.concatenate([rows.X, np.moveaxis(rows.y, 0, 2)], axis=2)
        outcomes = self.multiverse.levels("outcome")
        names = (*self.names, *(f"outcome {name}" for name in outcomes))
        effects, method = setting.fixed_effects, self.multiverse.entry["method"]
        shared = Specifications.of(rows.y[0], X, names, rows.weights, effects, method, "multiverse")
        return shared, range(len(self.names), len(names))

    def specifications(self, setting: Setting) -> Specifications:
        """Return the cross-products of a setting, one draw for each outcome."""
        rows = self.rows(setting)
        return self.shared(setting, rows).with_columns([], rows.y[:, None], outcome=True)

    def columns(self, treatment: str, subsets: np.ndarray) -> np.ndarray:
        """Return the regressors (specification, place in X) of subsets of one size given as bits, treatment first."""
        multiverse = self.multiverse
        first = self.names.index(treatment)
        offset = len(self.names) - len(multiverse.choose)
        always = range(len(multiverse.levels("treatment")), offset)
        bits = (subsets[:, None] >> np.arange(len(multiverse.choose))) & 1
        chosen = offset + np.nonzero(bits)[1].reshape(len(subsets), -1)
        lead = np.broadcast_to([first, *always], (len(subsets), 1 + len(always)))
        return np.concatenate([lead, chosen], axis=1).astype(np.intp)


def _standardised(values: np.ndarray) -> np.ndarray:
    spread = values.std(axis=0, ddof=1)
    return values / np.where(spread > 0, spread, 1.0)
