"""Estimates a shard of a multiverse: setting after setting, each written as it is done."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from scipy.special import ndtr, stdtr

from ronghe.models.estimate import Data
from ronghe.models.multiverse import table
from ronghe.models.multiverse.declaration import OF_SETTING, WITHIN, Multiverse, Setting
from ronghe.models.multiverse.settings import Refusal, Settings
from ronghe.progress import Progress
from ronghe.spatial.batch.marginals import log_marginals
from ronghe.spatial.batch.specifications import REFUSALS
from ronghe.spatial.batch.subset_fits import IMPACTS, SubsetFits
from ronghe.threads import one_thread

# Fits taken together: few enough for the processor's cache. Blocks never depend on shards, so that results cannot.
BLOCK = 256


def run_shard(
    multiverse: Multiverse, samples: dict[str, dict], data: Data, shard: int, n_shards: int, path: str | Path
) -> None:
    """Estimate every n-th setting and write its specifications to Parquet, one row group for each setting."""
    settings = multiverse.settings()
    mine = range(shard, len(settings), n_shards)
    starts = np.concatenate([[0], np.cumsum([multiverse.count(s) for s in settings])])
    source = Settings(multiverse, samples, data)
    name = f"multiverse of {starts[-1]:,} specifications in {len(settings)} settings, shard {shard + 1} of {n_shards}"
    progress = Progress(name, sum(multiverse.count(settings[k]) for k in mine))

    def blocks() -> Iterator[pa.Table]:
        for k in mine:
            block = estimate_setting(source, settings[k], int(starts[k]))
            yield block
            progress.add(block.num_rows)

    with one_thread():
        table.write(blocks(), path, multiverse)


class Members:
    """The specifications of one setting as arrays, before the choice of a covariance."""

    def __init__(self, multiverse: Multiverse, setting: Setting) -> None:
        cells = multiverse.cells(setting)
        sizes = [len(cell.subsets) for cell in cells]
        for name in WITHIN:
            levels = multiverse.levels(name)
            setattr(self, name, np.repeat([levels.index(getattr(cell, name)) for cell in cells], sizes))
        self.controls = np.concatenate([np.array(cell.subsets, dtype=np.int64) for cell in cells])
        self.n_controls = np.bitwise_count(self.controls).astype(np.int8)
        self._names = multiverse.levels("model"), multiverse.levels("treatment")

    def blocks(self, source: Settings, only: np.ndarray | None = None) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        """Return blocks of one model and number of controls: the model, which specifications, and their regressors."""
        models, treatments = self._names
        chosen = np.arange(len(self.model)) if only is None else only
        keys = self.model[chosen].astype(np.int64) * 64 + self.n_controls[chosen]
        for key in np.unique(keys):
            group = chosen[keys == key]
            for start in range(0, len(group), BLOCK):
                part = group[start : start + BLOCK]
                columns = np.empty((len(part), 1 + len(source.multiverse.always) + key % 64), dtype=np.intp)
                for k in np.unique(self.treatment[part]):
                    mine = self.treatment[part] == k
                    columns[mine] = source.columns(treatments[k], self.controls[part[mine]])
                yield models[key // 64], part, columns


def estimate_setting(source: Settings, setting: Setting, start: int) -> pa.Table:
    """Return the rows of one setting; where nothing can be estimated, every row says why."""
    multiverse = source.multiverse
    members, covariances = Members(multiverse, setting), multiverse.entry["covariances"]
    n = len(members.model)
    numbers = {name: np.full((len(covariances), n), np.nan) for name in table.NUMBERS}
    refused = np.zeros(n, dtype=np.int8)
    try:
        shared = source.specifications(setting)
        for model, part, columns in members.blocks(source):
            # Numbers of refused fits mean nothing and are left out.
            with np.errstate(divide="ignore", invalid="ignore"):
                fits = shared.fit(model, columns, members.outcome[part])
                refused[part] = [table.REASONS.index(REFUSALS[code]) for code in fits.refused]
                _fill(numbers, part, fits, multiverse)
    except Refusal as refusal:
        refused[:] = table.REASONS.index(refusal.code)
    repeat = len(covariances)
    columns = {name: values.reshape(-1) for name, values in numbers.items()}
    for choice in OF_SETTING:
        columns[choice] = np.full(n * repeat, multiverse.levels(choice).index(getattr(setting, choice)))
    columns |= {name: np.tile(getattr(members, name), repeat) for name in (*WITHIN, "controls", "n_controls")}
    columns["covariance"] = np.repeat(np.arange(repeat), n)
    columns["specification"] = start + np.arange(n * repeat)
    columns["refused"] = np.tile(refused, repeat)
    return table.to_table(multiverse, columns)


def _fill(numbers: dict[str, np.ndarray], part: np.ndarray, fits: SubsetFits, multiverse: Multiverse) -> None:
    none = fits.refused > 0
    shared = {
        "spatial": fits.spatial if fits.profile is not None else np.full(len(none), np.nan),
        "loglik": fits.loglik,
        "log_marginal": log_marginals(fits),
    }
    wanted = IMPACTS.index(multiverse.entry["effect"])
    for k, covariance in enumerate(multiverse.entry["covariances"]):
        values, errors = fits.impacts(covariance)
        found = {**shared, "estimate": values[:, wanted], "std_error": errors[:, wanted]}
        found["pvalue"] = pvalues(values[:, wanted], errors[:, wanted], covariance, fits.data.shape[0])
        for q, name in enumerate(IMPACTS):
            found |= {name: values[:, q], f"{name}_error": errors[:, q]}
        for name, value in found.items():
            numbers[name][k, part] = np.where(none, np.nan, value)


def pvalues(values: np.ndarray, errors: np.ndarray, covariance: str, n_units: int) -> np.ndarray:
    """Return two-sided p-values: t with one degree of freedom less than regions for clusters, else normal."""
    with np.errstate(divide="ignore", invalid="ignore"):
        size = -np.abs(values / errors)
    return 2 * (ndtr(size) if covariance == "expected" else stdtr(n_units - 1, size))
