"""What a panel with gaps says of cells that its data do not tell: NaN, and elsewhere the dense formula's numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ronghe.spatial import UnbalancedPanel
from ronghe.weights import Weights

N, T = 8, 6
LABELS = [f"u{k}" for k in range(N)]
INDEX = pd.MultiIndex.from_product([LABELS, range(T)], names=["unit", "year"])
RING = 0.5 * (np.roll(np.eye(N), 1, axis=1) + np.roll(np.eye(N), -1, axis=1))
W = Weights.from_frame(pd.DataFrame(RING, index=LABELS, columns=LABELS))
PATTERNS = ["unit", "period", "last period", "unit and period", "parts"]


def draw(noise: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Return y and x (unit, period) of a spatial lag model with effects around ten."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(N, T))
    effects = 10 + 3 * rng.normal(size=(N, 1)) + 3 * rng.normal(size=(1, T))
    return np.linalg.solve(np.eye(N) - 0.4 * RING, x + effects + noise * rng.normal(size=(N, T))), x


def gaps(pattern: str) -> np.ndarray:
    """Return which cells are observed; each pattern leaves another way in which effects are unknown."""
    seen = np.ones((N, T), dtype=bool)
    seen[1, 2] = seen[5, 4] = False
    if "unit" in pattern:
        seen[3] = False
    if "period" in pattern:
        seen[:, -1 if "last" in pattern else 2] = False
    if pattern == "parts":
        seen[:4, 3:] = seen[4:, :3] = False
    return seen


def panel(y: np.ndarray, seen: np.ndarray) -> pd.Series:
    """Return y as a Series, NaN where it is not seen."""
    return pd.Series(np.where(seen, y, np.nan).ravel(), INDEX, name="y")


def grid(values: pd.Series) -> np.ndarray:
    """Return a Series as an array (unit, period)."""
    return values.reindex(INDEX).to_numpy().reshape(N, T)


def dense(result, y: np.ndarray, x: np.ndarray, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return at the estimates E[y], E[y | the observed], both by generalised least squares, and what is estimable.

    A sum of effects is estimable if its row of dummies lies in the span of the observed rows.
    """
    p, s, eye = result.params, result.specification, np.eye(T)
    S = np.linalg.inv(np.eye(N) - p.get("rho", 0.0) * RING)
    A = S @ np.linalg.inv(np.eye(N) - p.get("lambda", 0.0) * RING)
    units, times = np.kron(np.eye(N), np.ones((T, 1))), np.kron(np.ones((N, 1)), eye)
    D = {"units": units, "time": times, "twoways": np.hstack([units, times]), "pooled": np.zeros((N * T, 1))}[s.effects]
    structural = p.get("const", 0.0) + x * p["x"] + RING @ x * p.get("W*x", 0.0)
    mean, V, seen = (S @ structural).ravel(), np.kron(A @ A.T, eye), cells.ravel()
    L = np.linalg.cholesky(V[np.ix_(seen, seen)])
    own = np.linalg.lstsq(np.linalg.solve(L, D[seen]), np.linalg.solve(L, y.ravel()[seen] - mean[seen]), rcond=None)[0]
    mean = mean + D @ own
    given = mean + V[:, seen] @ np.linalg.solve(V[np.ix_(seen, seen)], y.ravel()[seen] - mean[seen])
    off = D - D @ np.linalg.pinv(D[seen]) @ D[seen]
    return mean.reshape(N, T), given.reshape(N, T), (np.abs(off).max(axis=1) < 1e-9).reshape(N, T)


@pytest.mark.parametrize("effects", ["pooled", "units", "time", "twoways"])
@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("model", ["sar", "sem"])
def test_sums_of_effects_that_are_not_estimable_are_unknown(model, pattern, effects):
    y, x = draw()
    seen = gaps(pattern)
    X = pd.DataFrame({"x": x.ravel()}, INDEX)
    result = UnbalancedPanel(panel(y, seen), X, W, model=model, effects=effects).fit()
    mean, given, estimable = dense(result, y, x, seen)
    assert estimable.all() == (effects == "pooled" or (effects, pattern) in SPARED)
    expected = np.where(estimable, mean, np.nan)
    np.testing.assert_allclose(grid(result.predict()), expected, atol=1e-8)
    np.testing.assert_allclose(grid(result.predict(X)), expected, atol=1e-8)
    np.testing.assert_allclose(grid(result.completed()), np.where(estimable, given, np.nan), atol=1e-8)


# Effects of one kind only need their own kind to be seen.
SPARED = {
    ("units", "period"),
    ("units", "last period"),
    ("time", "unit"),
    ("units", "parts"),
    ("time", "parts"),
}


def test_without_noise_the_known_gaps_are_the_truth():
    """What is told at all is told right: y of the gaps to the precision of nearly no disturbance."""
    y, x = draw(noise=1e-3)
    seen = gaps("unit and period")
    X = pd.DataFrame({"x": x.ravel()}, INDEX)
    result = UnbalancedPanel(panel(y, seen), X, W, model="sar").fit()
    known = np.ones((N, T), dtype=bool)
    known[3] = known[:, 2] = False
    for values in (result.completed(), result.predict()):
        np.testing.assert_array_equal(np.isfinite(grid(values)), known)
        np.testing.assert_allclose(grid(values)[known], y[known], atol=0.01)


@pytest.mark.parametrize("absent", [False, True])
@pytest.mark.parametrize("with_y", [False, True])
@pytest.mark.parametrize("model", ["sem", "sdem"])
def test_regressors_that_are_not_there_are_not_zeros(model, with_y, absent):
    """One cell without x, its y there or not, or its row absent: it is unknown, and with W x its neighbours are."""
    y, x = draw()
    seen, there = gaps("few"), np.ones((N, T), dtype=bool)
    there[4, 2] = False
    seen[4, 2] = with_y
    unknown = ~there
    if model == "sdem":
        unknown = unknown | (RING @ ~there > 0)
        assert unknown.sum() == 3
    outcome, X = panel(y, seen), pd.DataFrame({"x": np.where(there, x, np.nan).ravel()}, INDEX)
    if absent:
        outcome, X = outcome[there.ravel()], X[there.ravel()]
    result = UnbalancedPanel(outcome, X, W, model=model).fit()
    cells = seen & ~unknown
    assert result.nobs == cells.sum()
    mean, given, estimable = dense(result, y, np.where(there, x, 99.0), cells)
    assert estimable.all()
    np.testing.assert_allclose(grid(result.completed()), np.where(unknown, np.nan, given), atol=1e-8)
    np.testing.assert_allclose(grid(result.predict()), np.where(unknown, np.nan, mean), atol=1e-8)


def test_new_regressors_that_are_not_there_leave_their_period_unknown():
    """With W y one unknown x moves every unit that the ring reaches."""
    y, x = draw()
    X = pd.DataFrame({"x": x.ravel()}, INDEX)
    result = UnbalancedPanel(panel(y, gaps("few")), X, W, model="sar").fit()
    holed = X.copy()
    holed.loc[("u4", 2), "x"] = np.nan
    wanted = grid(result.predict(X)).copy()
    wanted[:, 2] = np.nan
    np.testing.assert_allclose(grid(result.predict(holed)), wanted, atol=1e-10)


def test_new_periods_are_told_where_the_effects_they_resemble_are():
    """`last` needs a unit linked with the last period, the mean one linked with all of them."""
    y, x = draw()
    X = pd.DataFrame({"x": x.ravel()}, INDEX)
    new = X.xs(5, level="year", drop_level=False).rename(index={5: 9}, level="year")

    def known(pattern: str, time_effect: object) -> list[int]:
        result = UnbalancedPanel(panel(y, gaps(pattern)), X, W, model="sar").fit()
        found = result.predict(new, time_effect=time_effect)
        if time_effect == "last":
            np.testing.assert_allclose(found, result.predict(X).xs(5, level="year"), atol=1e-10)
        elif pattern != "parts":
            mean, _, estimable = dense(result, y, x, gaps(pattern))
            moved = np.linalg.solve(np.eye(N) - result.params["rho"] * RING, x[:, [5]] - x) * result.params["x"]
            own = np.where(estimable, mean + moved, np.nan)[:, estimable.any(axis=0)].mean(axis=1)
            np.testing.assert_allclose(found - (0 if time_effect == "mean" else time_effect), own, atol=1e-8)
        return list(np.flatnonzero(np.isfinite(found)))

    assert known("parts", "last") == [4, 5, 6, 7]
    assert known("parts", "mean") == known("parts", 1.5) == known("last period", "last") == []
    assert known("unit and period", "mean") == known("unit and period", 1.5) == [0, 1, 2, 4, 5, 6, 7]
    assert known("last period", "mean") == list(range(N))
