"""One specification fitted again and again, to columns that differ from draw to draw."""

from __future__ import annotations

import numpy as np

from ronghe.models.multiverse.run import pvalues
from ronghe.models.multiverse.settings import Settings
from ronghe.spatial.batch.specifications import Specifications


def judged(
    source: Settings, alone: Specifications, model: str, n_regressors: int, n_draws: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return estimates and p-values by draw of a specification that stands alone with `n_regressors` before lags."""
    covariance, wanted = source.multiverse.levels("covariance")[0], [source.multiverse.entry["effect"]]
    columns = range(n_regressors if alone.basis is None else 1)
    values, errors = alone.fit(model, np.tile(columns, (n_draws, 1)), np.arange(n_draws)).impacts(covariance, wanted)
    return values[:, 0], pvalues(values[:, 0], errors[:, 0], covariance, alone.shape[0])
