"""Frontier efficiency: Tone's published example, programs by hand, and the dual programs as a second way."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ronghe.errors import RongheError
from ronghe.measures.frontier import Technology, directional_distance, slacks_based
from scipy.optimize import linprog

# Two routes to one optimum agree to the solver's tolerance (1e-7 on constraints scaled to one), usually far better.
SOLVER = 1e-7


def technology(seed=0, n=25, inputs=2, goods=1, bads=2) -> Technology:
    rng = np.random.default_rng(seed)
    parts = [[f"{part}{j}" for j in range(k)] for part, k in (("x", inputs), ("y", goods), ("b", bads))]
    frame = pd.DataFrame(rng.lognormal(sigma=0.6, size=(n, inputs + goods + bads)), columns=sum(parts, []))
    return Technology.from_frame(frame.rename(index="u{}".format), *parts)


def dual_slacks_based(t: Technology, i: int, variable: bool) -> float:
    """Solve the multiplier form: max xi (+ price of convexity), prices at least those of the objective."""
    m, s1, s2 = t.inputs.shape[1], t.goods.shape[1], t.bads.shape[1]
    x, y, b = t.inputs[i], t.goods[i], t.bads[i]
    # Variables: xi, v, u, w, free price of convexity.
    c = np.zeros(1 + m + s1 + s2 + 1)
    c[0] = -1
    equal = np.r_[1.0, x, -y, b, 1.0 if variable else 0.0][None, :]
    n = len(t.units)
    feasible = np.hstack([np.zeros((n, 1)), -t.inputs, t.goods, -t.bads, -np.full((n, 1), float(variable))])
    floor_v = np.hstack([np.zeros((m, 1)), -np.eye(m), np.zeros((m, s1 + s2 + 1))])
    outputs = np.r_[y, b]
    floor_uw = np.hstack(
        [1 / ((s1 + s2) * outputs)[:, None], np.zeros((s1 + s2, m)), -np.eye(s1 + s2), np.zeros((s1 + s2, 1))]
    )
    A = np.vstack([feasible, floor_v, floor_uw])
    limits = np.r_[np.zeros(n), -1 / (m * x), np.zeros(s1 + s2)]
    answer = linprog(c, A_ub=A, b_ub=limits, A_eq=equal, b_eq=[1.0], bounds=(None, None), method="highs")
    return -answer.fun


def test_published_example():
    """Tone (2001, table 1): five units, two inputs, two outputs; SBM 0.798, 0.568, 1, 0.667, 1."""
    frame = pd.DataFrame(
        {"x1": [4, 6, 8, 8, 2], "x2": [3, 3, 1, 1, 4], "y1": [2, 2, 6, 6, 1], "y2": [3, 3, 2, 1, 4]},
        index=list("ABCDE"),
    )
    efficiency, slacks = slacks_based(Technology.from_frame(frame, ["x1", "x2"], ["y1", "y2"]))
    np.testing.assert_allclose(efficiency, [0.798, 0.568, 1, 0.667, 1], atol=5e-4)
    # D makes half of C's second output from C's inputs: one unit short of one, the average of (0, 1) over outputs.
    assert efficiency[3] == pytest.approx(1 / 1.5, abs=1e-9)
    np.testing.assert_allclose(slacks[3], [0, 0, 0, 1], atol=1e-7)


def test_bad_output_by_hand():
    """B = (2, 1, 3) against A = (1, 1, 1): rho(lambda) = (lambda/2)/(1 + lambda/3) is least at lambda = 1."""
    frame = pd.DataFrame({"x": [1, 2], "y": [1, 1], "b": [1, 3]}, index=["A", "B"])
    efficiency, slacks = slacks_based(Technology.from_frame(frame, ["x"], ["y"], ["b"]))
    np.testing.assert_allclose(efficiency, [1, 0.375], atol=1e-9)
    np.testing.assert_allclose(slacks[1], [1 / 2, 0, 2 / 3], atol=1e-7)


def test_variable_returns_by_hand():
    """One input, one output: A = (1, 1), B = (2, 3), C = (4, 4), D = (3, 2); D is inside in every sense."""
    frame = pd.DataFrame({"x": [1, 2, 4, 3], "y": [1, 3, 4, 2]}, index=list("ABCD"), dtype=float)
    t = Technology.from_frame(frame, ["x"], ["y"])
    # Constant returns: output per input against B's 1.5.
    np.testing.assert_allclose(slacks_based(t)[0], [2 / 3, 1, 2 / 3, 4 / 9], atol=1e-9)
    # Variable: D's projections (x, y) on A-B-C; B gives (2/3)/(3/2) = 4/9, the ends of the segments more.
    np.testing.assert_allclose(slacks_based(t, returns="variable")[0], [1, 1, 1, 4 / 9], atol=1e-9)


@pytest.mark.parametrize("returns", ["constant", "variable"])
def test_agrees_with_the_dual_program(returns):
    for seed in range(3):
        t = technology(seed)
        efficiency, _ = slacks_based(t, returns=returns)
        dual = [dual_slacks_based(t, i, returns == "variable") for i in range(len(t.units))]
        np.testing.assert_allclose(efficiency, dual, atol=SOLVER)
        assert ((efficiency > 0) & (efficiency <= 1 + SOLVER)).all() and (efficiency > 1 - SOLVER).any()


def test_slacks_give_back_the_efficiency():
    t = technology(4)
    efficiency, slacks = slacks_based(t)
    m = t.inputs.shape[1]
    again = (1 - slacks[:, :m].mean(axis=1)) / (1 + slacks[:, m:].mean(axis=1))
    np.testing.assert_allclose(again, efficiency, atol=SOLVER)


def test_directional_agrees_with_the_dual_program():
    t = technology(5)
    distance = directional_distance(t)
    m, s1, s2 = t.inputs.shape[1], t.goods.shape[1], t.bads.shape[1]
    for i in range(len(t.units)):
        # min v x - u y + w b subject to v X - u Y + w B >= 0 for all units, u y + w b = 1, w free.
        c = np.r_[t.inputs[i], -t.goods[i], t.bads[i]]
        A = -np.hstack([t.inputs, -t.goods, t.bads])
        equal = np.r_[np.zeros(m), t.goods[i], t.bads[i]][None, :]
        bounds = [(0, None)] * (m + s1) + [(None, None)] * s2
        answer = linprog(c, A_ub=A, b_ub=np.zeros(len(A)), A_eq=equal, b_eq=[1.0], bounds=bounds, method="highs")
        assert distance[i] == pytest.approx(answer.fun, abs=SOLVER)
    assert distance.min() > -SOLVER and (abs(distance) < SOLVER).any()


def test_directional_by_hand():
    """B = (1, 1, 1) against A = (1, 2, 1): A at scale 2/3 makes (1 + 1/3) goods with (1 - 1/3) bads."""
    frame = pd.DataFrame({"x": [1, 1], "y": [2, 1], "b": [1, 1]}, index=["A", "B"], dtype=float)
    np.testing.assert_allclose(
        directional_distance(Technology.from_frame(frame, ["x"], ["y"], ["b"])), [0, 1 / 3], atol=1e-9
    )


def test_dropping_peers_changes_nothing():
    """A reference whose units are not recognised as those evaluated keeps every peer."""
    t = technology(6)
    strangers = Technology(t.units + "'", t.inputs, t.goods, t.bads)
    for returns in ("constant", "variable"):
        pruned, full = slacks_based(t, returns=returns)[0], slacks_based(t, strangers, returns)[0]
        np.testing.assert_allclose(pruned, full, atol=SOLVER)


def test_units_of_measurement_and_order_do_not_matter():
    rng = np.random.default_rng(7)
    frame = pd.DataFrame(rng.lognormal(size=(20, 4)), columns=["x", "z", "y", "b"])
    names = ["x", "z"], ["y"], ["b"]
    efficiency = pd.Series(slacks_based(Technology.from_frame(frame, *names))[0])
    other = frame.sample(frac=1, random_state=1) * [1e6, 1e-4, 1e3, 1e-6]
    again = pd.Series(slacks_based(Technology.from_frame(other, *names))[0], index=other.index)
    np.testing.assert_allclose(again[efficiency.index], efficiency, atol=SOLVER)


def test_refusals():
    frame = pd.DataFrame({"x": [1.0, 2], "y": [1.0, 0], "b": [1.0, np.nan]}, index=["A", "B"])
    with pytest.raises(RongheError, match="'y' is missing, zero or negative for B"):
        Technology.from_frame(frame, ["x"], ["y"])
    with pytest.raises(RongheError, match="'b' is missing, zero or negative for B"):
        Technology.from_frame(frame.assign(y=1), ["x"], ["y"], ["b"])
    with pytest.raises(RongheError, match="more than one part: x"):
        Technology.from_frame(frame, ["x"], ["x"])
    with pytest.raises(RongheError, match="unknown variable 'q'"):
        Technology.from_frame(frame, ["q"], ["y"])
    with pytest.raises(RongheError, match="at least one input"):
        Technology.from_frame(frame, [], ["y"])
    with pytest.raises(RongheError, match="unknown returns to scale 'constnt'"):
        slacks_based(technology(n=3), returns="constnt")
