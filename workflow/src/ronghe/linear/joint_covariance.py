"""Several regressions at once: the joint covariance of their coefficients from stacked scores.

linearmodels has systems of equations, but with neither clusters nor samples that differ between the equations.
"""

from __future__ import annotations

import numpy as np

from ronghe.linear.covariance import Choice, plain_meat
from ronghe.linear.layout import Layout
from ronghe.linear.panel_models import Fit


def covariance_between_fits(
    fits: list[Fit], layouts: list[Layout], choice: Choice, picks: list[list[int]]
) -> np.ndarray:
    """Return the joint covariance of chosen coefficients of several fits; the block of each fit is its own.

    Influence of a row on a coefficient is bread @ x e; rows of different fits are matched by unit and period, so
    samples may differ. The blocks of one fit keep its own small-sample factor; between fits stands the geometric mean.

    >>> from ronghe.linear import fit_panel
    >>> rng = np.random.default_rng(0)
    >>> layout = Layout(units=np.repeat(np.arange(20), 5), times=np.tile(np.arange(5), 20))
    >>> fits = [fit_panel(rng.normal(size=100), rng.normal(size=(100, 1)), layout, "units", Choice()) for _ in range(2)]
    >>> joint = covariance_between_fits(fits, [layout, layout], Choice(), [[0], [0]])
    >>> bool(np.isclose(joint[1, 1], fits[1].covariance[0, 0]))
    True
    """
    width = sum(len(p) for p in picks)
    n_units = max(layout.n_units for layout in layouts)
    n_periods = max(layout.n_periods for layout in layouts)
    cells = np.zeros((n_units * n_periods, width))
    own = np.zeros((width, width))
    start = 0
    for fit, layout, pick in zip(fits, layouts, picks, strict=True):
        place = slice(start, start + len(pick))
        cells[layout.units * n_periods + layout.times, place] = (fit.X * fit.residuals[:, None]) @ fit.bread[:, pick]
        own[place, place] = fit.covariance[np.ix_(pick, pick)]
        start += len(pick)
    units, times = np.divmod(np.arange(len(cells)), n_periods)
    positions = next((layout.coordinates for layout in layouts if layout.n_units == n_units), None)
    layout = Layout(units, times, positions)
    if choice.kind == "homoskedastic":
        choice = Choice("robust")
    raw = plain_meat(cells, layout, choice)
    scale = np.sqrt(np.diag(own) / np.diag(raw))
    return raw * np.outer(scale, scale)
