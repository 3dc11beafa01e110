"""What the tests of estimators share: a simulated panel, and fits by the kernel for sizes over hundreds of panels."""

from __future__ import annotations

import gc

import numpy as np
import pandas as pd
import pytest
from panel_builders import linked_panel
from ronghe.linear.absorption import count
from ronghe.linear.covariance import Choice, inference_df, sandwich
from ronghe.linear.layout import Layout
from ronghe.linear.least_squares import fit_least_squares
from ronghe.linear.panel_models import Fit
from ronghe.models import report
from ronghe.models.estimators import diagnostics, family, mediation


@pytest.fixture(scope="session")
def panel() -> pd.DataFrame:
    return linked_panel()


def fit_by_kernel(
    y: np.ndarray, X: np.ndarray, layout: Layout, effects: str, choice: Choice, names: list[str] | None = None
) -> Fit:
    """Return the numbers of `fit_panel`, to 1e-10 by `linear/test_panel_models.py`, in a tenth of the time."""
    kernel = fit_least_squares(y, X, layout, effects, names)
    scores, sigma2 = kernel.X * kernel.residuals[:, None], kernel.ssr / kernel.df_residual
    return Fit(
        coefficients=kernel.coefficients,
        residuals=kernel.residuals,
        y=kernel.y,
        X=kernel.X,
        df_residual=kernel.df_residual,
        covariance=sandwich(kernel.bread, scores, layout, choice, sigma2, count(layout, effects)),
        df_inference=inference_df(layout, choice, kernel.df_residual),
        choice=choice,
    )


@pytest.fixture
def kernel_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the kernel stand in for linearmodels, most of whose time goes into what no test here looks at."""
    for module in (report, diagnostics, family, mediation):
        monkeypatch.setattr(module, "fit_panel", fit_by_kernel)
    # statsmodels collects garbage after every correction of p-values: .2 s each beside all that a suite holds.
    monkeypatch.setattr(gc, "collect", lambda: 0)
