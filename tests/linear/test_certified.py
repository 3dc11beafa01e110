"""The certified figures of NIST's Statistical Reference Datasets, through the regressions that we report."""

from __future__ import annotations

import json

import mpmath as mp
import numpy as np
import pytest
from ronghe.errors import RongheError
from ronghe.linear import Choice, Layout, fit_panel
from ronghe.linear.least_squares import fit_least_squares
from ronghe.linear.panel_models import fit_random_effects
from ronghe.linear.two_stage import project

# NIST StRD, Linear Regression: Longley (1967), Wampler (1970) 1 to 5; certified to 15 digits.
LONGLEY = {
    "GNPDEFL": (15.0618722713733, 84.9149257747669),
    "GNP": (-0.0358191792925910, 0.0334910077722432),
    "UNEMP": (-2.02022980381683, 0.488399681651699),
    "ARMED": (-1.03322686717359, 0.214274163161675),
    "POP": (-0.0511041056535807, 0.226073200069370),
    "YEAR": (1829.15146461355, 455.478499142212),
}
WAMPLER = np.array([2363.55173469681, 779.343524331583, 101.475507550350, 5.64566512170752, 0.112324854679312])
NOISE = np.array([759, -2048, 2048, -2048, 2523, -2048, 2048, -2048, 1838, -2048, 2048])
NOISE = np.concatenate([NOISE, NOISE[-2::-1]])


def fitted(y, X):
    rows = np.arange(len(y))
    fit = fit_panel(y, X, Layout(rows, np.zeros(len(y), int)), "pooled", Choice("homoskedastic"))
    return fit.coefficients, np.sqrt(np.diag(fit.covariance))


def digits(found, certified):
    """Return the smallest number of digits that agree: minus the logarithm of the relative error."""
    error = np.max(np.abs(np.asarray(found) / certified - 1))
    return 15.0 if error == 0 else -np.log10(error)


def test_longley_to_ten_digits():
    from statsmodels.datasets import longley

    data = longley.load_pandas()
    slopes, errors = fitted(data.endog.to_numpy(float), data.exog[list(LONGLEY)].to_numpy(float))
    certified = np.array(list(LONGLEY.values()))
    assert digits(slopes, certified[:, 0]) > 10 and digits(errors, certified[:, 1]) > 10


@pytest.mark.parametrize(("size", "least"), [(1, 9), (100, 9), (10_000, 9)])
def test_wampler_three_to_five(size, least):
    """A polynomial of the fifth degree, noise of three sizes; every certified slope is one."""
    x = np.arange(21.0)
    X = x[:, None] ** np.arange(1, 6)
    slopes, errors = fitted(1 + X.sum(axis=1) + size * NOISE, X)
    assert digits(errors, size * WAMPLER) > least
    # Relative to its own error: the noise leaves nothing of the slope itself to count digits on.
    assert np.max(np.abs(slopes - 1) / errors) < 1e-8


@pytest.mark.parametrize("ratio", [1.0, 0.1])
def test_wampler_one_and_two(ratio):
    """No noise: certified slopes are 1, or powers of 0.1, and the residuals are rounding."""
    x = np.arange(21.0)
    X = x[:, None] ** np.arange(1, 6)
    certified = ratio ** np.arange(1, 6)
    slopes, _ = fitted(1 + X @ certified, X)
    assert digits(slopes, certified) > 9


@pytest.mark.parametrize(("name", "least"), [("norris", 12), ("pontius", 11), ("filip", 6)])
def test_norris_pontius_and_filip(recorded, name, least):
    """A line, a parabola of small slopes, and ten powers of which the certified figures are known to break programs."""
    data = json.loads((recorded / "nist.json").read_text(encoding="utf-8"))[name]
    rows = np.arange(len(data["y"]))
    columns = np.array(data["y"]), np.array(data["x"])[:, None] ** np.arange(1, data["powers"] + 1)
    slopes, errors = fitted(*columns)
    found = digits(slopes, data["slopes"]), digits(errors, data["errors"])
    assert min(found) > least, found
    # What resampling loops use is as good.
    kernel = fit_least_squares(*columns, Layout(rows, 0 * rows), "pooled")
    errors = np.sqrt(np.diag(kernel.bread) * kernel.ssr / kernel.df_residual)
    assert min(digits(kernel.coefficients, data["slopes"]), digits(errors, data["errors"])) > least


def test_ten_powers_on_the_range_of_filip():
    """Ten powers on -8.8 to -3.1, which explain one another to 1e-10: held against least squares in 120 digits."""
    x = np.linspace(-8.8, -3.1, 82)
    X, y = x[:, None] ** np.arange(1, 11), np.cos(x)
    with mp.workdps(120):
        A = mp.matrix([[mp.mpf(1), *map(mp.mpf, map(float, row))] for row in X])
        right = A.T * mp.matrix(list(map(float, y)))
        exact = [float(b) for b in mp.lu_solve(A.T * A, right)]
    slopes, _ = fitted(y, X)
    assert digits(slopes, np.array(exact[1:])) > 5


def test_a_square_that_would_cost_the_digits_is_refused(recorded):
    """Instruments and random effects invert X'X: Filip's powers are refused there, not reported with wrong errors."""
    data = json.loads((recorded / "nist.json").read_text(encoding="utf-8"))["filip"]
    y, X = np.array(data["y"]), np.array(data["x"])[:, None] ** np.arange(1, 11)
    layout, names = Layout(np.repeat(np.arange(41), 2), np.tile([0, 1], 41)), [f"x{k}" for k in range(1, 11)]
    with pytest.raises(RongheError, match="is a combination of the regressors before it"):
        fit_random_effects(y, X, layout, "units", Choice(), names)
    columns = np.column_stack([X[:, 0], X[:, 1:], np.sin(X[:, 0])])
    with pytest.raises(RongheError, match="is a combination of the regressors before it"):
        project(y, columns, (names[:1], names[1:], ["z"]), layout, "pooled", Choice())
