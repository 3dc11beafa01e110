"""Moderation: how the slope of the treatment depends on the level of another variable."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from ronghe.linear.inference import coefficient_table
from ronghe.linear.panel_models import Fit, fit_panel
from ronghe.models.design.design import build, product, terms_of
from ronghe.models.estimate import Data, Estimate
from ronghe.models.report import choice_of, linear_estimate
from ronghe.models.terms import product_name


def estimate(specification: dict, data: Data) -> Estimate:
    """Fit y on x, m and x (m - mean of m), and give dy/dx over the range of m (Brambor, Clark and Golder 2006)."""
    design = build(specification, data, extra=("moderator",))
    x_name = terms_of(specification, "treatment")[0].name
    m_name = terms_of(specification, "moderator")[0].name
    x, m = design.columns([x_name, m_name]).T
    centre = float(m.mean()) if specification["centre"] else 0.0
    others = [n for n in design.names if n not in (x_name, m_name)]
    names = [x_name, m_name, product_name(x_name, m_name), *others]
    full = replace(
        design, X=np.column_stack([x, m - centre, product(x, m - centre), design.columns(others)]), names=names
    )
    fit = fit_panel(full.y, full.X, full.layout, specification["effects"], choice_of(specification), names)
    result = linear_estimate(specification, full, fit, "within_interaction")
    points = np.linspace(m.min(), m.max(), specification["points"])
    result.tables = {"marginal_effects": marginal_effects(fit, points, centre, m)}
    result.fit.update({"moderator": m_name, "moderator_mean": centre})
    return result


def marginal_effects(fit: Fit, points: np.ndarray, centre: float, m: np.ndarray) -> pd.DataFrame:
    """Return dy/dx = b_x + b_xm (m - centre) at each point, its errors from the full covariance of both."""
    contrast = np.zeros((len(points), len(fit.coefficients)))
    contrast[:, 0], contrast[:, 2] = 1.0, points - centre
    factors, df = fit.reference(contrast)
    covariance = contrast @ fit.covariance @ contrast.T
    table = coefficient_table(points, contrast @ fit.coefficients, covariance, df, factors=factors)
    table = table.rename(columns={"term": "moderator"})
    table["share_below"] = np.searchsorted(np.sort(m), points, side="right") / len(m)
    return table
