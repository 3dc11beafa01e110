"""Grids with space: spatial panel models by exact maximum likelihood, importable alone.

Static models with fixed effects are `SpatialPanel`; with the outcome of the period before, `DynamicPanel`; with random
unit effects, `RandomEffectsPanel`; with endogenous regressors, `SpatialTwoStage`. All take a Series y and a DataFrame
X, both indexed by (unit, period), and weights with the units' names: a `ronghe.weights.Weights`, a libpysal `Graph`
or a square DataFrame. Rows and weights are matched by name.

>>> import numpy as np
>>> import pandas as pd
>>> from ronghe.spatial import SpatialPanel
>>> units = [f"town {i}" for i in range(30)]
>>> ring = (np.roll(np.eye(30), 1, axis=1) + np.roll(np.eye(30), -1, axis=1)) / 2
>>> W = pd.DataFrame(ring, index=units, columns=units)
>>> x, e = np.random.default_rng(1).standard_normal((2, 30, 8))
>>> y = np.linalg.solve(np.eye(30) - 0.4 * ring, x + 0.5 * ring @ x + 0.1 * e)
>>> rows = pd.MultiIndex.from_product([units, range(2001, 2009)], names=["unit", "period"])
>>> data = pd.DataFrame({"y": y.ravel(), "x": x.ravel()}, index=rows)
>>> result = SpatialPanel(data["y"], data[["x"]], W, model="sdm", effects="twoways").fit(cov_type="robust")
>>> result.params.round(2).to_dict()
{'x': 1.01, 'W*x': 0.51, 'rho': 0.39, 'sigma2': 0.01}
>>> result.impacts()["estimate"].round(2).to_dict()
{('x', 'direct'): 1.21, ('x', 'indirect'): 1.29, ('x', 'total'): 2.51}

`SpatialPanel.from_formula("y ~ x + log(z)", data, W)` reads a formula. `compare_models`, `compare_weights` and
`identification_table` help to choose a model, `predict` and `simulate` use one that is fitted.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ronghe.spatial.choice.comparison import compare_models, compare_weights
    from ronghe.spatial.choice.identification import identification_table
    from ronghe.spatial.dynamic.panel import DynamicPanel
    from ronghe.spatial.examples import munnell
    from ronghe.spatial.lags import spatial_lag
    from ronghe.spatial.postestimation.prediction import predict
    from ronghe.spatial.postestimation.simulation import simulate
    from ronghe.spatial.random_effects.panel import RandomEffectsPanel
    from ronghe.spatial.results import SpatialPanelResult
    from ronghe.spatial.spatial_panel import SpatialPanel
    from ronghe.spatial.tables import compare, etable
    from ronghe.spatial.two_stage.panel import SpatialTwoStage
    from ronghe.spatial.unbalanced.panel import UnbalancedPanel

__all__ = [
    "DynamicPanel",
    "RandomEffectsPanel",
    "SpatialPanel",
    "SpatialPanelResult",
    "SpatialTwoStage",
    "UnbalancedPanel",
    "compare",
    "compare_models",
    "compare_weights",
    "etable",
    "identification_table",
    "munnell",
    "predict",
    "simulate",
    "spatial_lag",
]
# Where each name lives; it is imported on first use, so that importing the package costs nothing.
_HOMES = {
    "DynamicPanel": "dynamic.panel",
    "RandomEffectsPanel": "random_effects.panel",
    "SpatialPanel": "spatial_panel",
    "SpatialPanelResult": "results",
    "SpatialTwoStage": "two_stage.panel",
    "UnbalancedPanel": "unbalanced.panel",
    "compare": "tables",
    "compare_models": "choice.comparison",
    "compare_weights": "choice.comparison",
    "etable": "tables",
    "identification_table": "choice.identification",
    "munnell": "examples",
    "predict": "postestimation.prediction",
    "simulate": "postestimation.simulation",
    "spatial_lag": "lags",
}


def __getattr__(name: str) -> type:
    """Give a public name on first use."""
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Name what is public, for editors and `help`."""
    return sorted({*globals(), *__all__})
