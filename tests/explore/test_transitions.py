"""Markov chains: counts from their definition, tests against giddy where it is right, and where it is not."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ronghe.errors import RongheError
from ronghe.explore.transitions import (
    classify,
    count_transitions,
    cutoffs_of,
    homogeneity_test,
    independence_test,
    mobility,
    probabilities,
    steady_state,
    transitions,
)
from ronghe.weights import Weights
from scipy.stats import chi2_contingency


def lattice(rows: int, columns: int) -> Weights:
    name = "r{:02}{:02}".format
    edges = [
        (name(i, j), name(i + a, j + b))
        for i in range(rows)
        for j in range(columns)
        for a, b in ((0, 1), (1, 0), (0, -1), (-1, 0))
        if 0 <= i + a < rows and 0 <= j + b < columns
    ]
    frame = pd.DataFrame(edges, columns=["focal", "neighbor"]).assign(weight=1.0)
    return Weights.from_edges(frame).standardise("row")


def walk(weights: Weights, years=12, seed=0) -> pd.Series:
    rng = np.random.default_rng(seed)
    y = np.cumsum(rng.normal(size=(weights.n, years)), axis=1) * 0.2 + rng.normal(size=(weights.n, 1)) + 10
    frame = pd.DataFrame(y, index=pd.Index(weights.labels, name="region"), columns=range(2000, 2000 + years))
    return frame.rename_axis("year", axis=1).stack().rename("y")


@pytest.fixture(scope="module")
def chain():
    weights = lattice(6, 7)
    return walk(weights), weights


def test_counts_and_long_run_from_their_definitions(chain):
    values, _ = chain
    wide = values.unstack("year")
    code = classify(wide, cutoffs_of(wide, 4)).to_numpy()
    counts = count_transitions(code, 4)
    expected = np.zeros((4, 4))
    np.add.at(expected, (code[:, :-1].ravel(), code[:, 1:].ravel()), 1)
    np.testing.assert_array_equal(counts, expected)
    P = probabilities(counts)
    np.testing.assert_allclose(P, expected / expected.sum(axis=1, keepdims=True), rtol=1e-15)
    share = steady_state(P)
    np.testing.assert_allclose(share @ P, share, atol=1e-14)
    assert share.sum() == pytest.approx(1, rel=1e-14)


def test_a_move_counts_for_the_class_of_the_neighbours_where_it_starts(chain):
    values, weights = chain
    tables = transitions(values, weights, classes=3, lag_classes="own")
    wide = values.unstack("year")
    lag = pd.DataFrame(weights.align(wide.index).sparse @ wide.to_numpy(), index=wide.index, columns=wide.columns)
    own, near = (classify(frame, cutoffs_of(frame, 3)).to_numpy() for frame in (wide, lag))
    expected = np.zeros((3, 3, 3))
    np.add.at(expected, (near[:, :-1].ravel(), own[:, :-1].ravel(), own[:, 1:].ravel()), 1)
    counts = tables["probabilities"]["count"].drop(index="all", level="lag_class").to_numpy().reshape(3, 3, 3)
    np.testing.assert_array_equal(counts, expected)
    assert tables["classes"]["lag_class"].astype(int).to_numpy().tolist() == (near.ravel() + 1).tolist()


def test_spatial_homogeneity_agrees_with_giddy(chain):
    from giddy.markov import Spatial_Markov

    values, weights = chain
    tables = transitions(values, weights, classes=3, lag_classes="own")
    wide = values.unstack("year")
    other = Spatial_Markov(wide.to_numpy(), weights.align(wide.index).to_graph().to_W(), k=3, m=3)
    row = tables["tests"].loc["spatial_homogeneity"]
    expected = [other.LR, other.LR_p_value, other.Q, other.Q_p_value, other.dof_hom]
    assert row[["LR", "LR_pvalue", "Q", "Q_pvalue", "df"]].tolist() == pytest.approx(expected, abs=1e-10)
    np.testing.assert_allclose(tables["cutoffs"]["lag_class"], other.lag_cutoffs, rtol=1e-14)


def test_time_homogeneity_agrees_with_giddy(chain):
    from giddy.markov import homogeneity

    values, _ = chain
    wide = values.unstack("year")
    code = classify(wide, cutoffs_of(wide, 3)).to_numpy()
    by_year = np.array([count_transitions(code[:, t : t + 2], 3) for t in range(code.shape[1] - 1)])
    other = homogeneity(by_year)
    row = transitions(values, classes=3)["tests"].loc["time_homogeneity"]
    assert row[["LR", "Q", "df"]].tolist() == pytest.approx([other.LR, other.Q, other.dof], rel=1e-10)


def test_where_giddy_is_wrong():
    """An empty class costs no degree of freedom; two 2 x 2 strata have 2, and giddy 2.3.8 counts 3."""
    from giddy.markov import homogeneity

    strata = np.zeros((2, 3, 3))
    strata[:, :2, :2] = [[[5, 3], [2, 6]], [[4, 4], [3, 5]]]
    assert homogeneity(strata).dof == 3
    found = homogeneity_test(strata)
    assert found["df"] == 2
    Q = sum(chi2_contingency(strata[:, i, :2], correction=False).statistic for i in range(2))
    LR = sum(chi2_contingency(strata[:, i, :2], correction=False, lambda_=0).statistic for i in range(2))
    assert (found["Q"], found["LR"]) == pytest.approx((Q, LR), rel=1e-12)
    # Counts given as integers: giddy cuts every probability to zero.
    assert homogeneity_test(strata.astype(int)) == found
    with np.errstate(divide="ignore", invalid="ignore"):
        assert not np.isfinite(homogeneity(strata.astype(int)).LR)


def test_giddy_counts_the_highest_class_as_the_lowest_when_a_value_is_missing(chain):
    from giddy.markov import Spatial_Markov

    values, weights = chain
    wide = values.unstack("year").to_numpy().copy()
    w = weights.to_graph().to_W()
    complete = Spatial_Markov(wide, w, k=3, m=3).class_ids
    wide[3, 4] = np.nan
    with np.errstate(invalid="ignore"):
        broken = Spatial_Markov(wide, w, k=3, m=3).class_ids
    assert broken[3, 4] == 0 and (complete == 2).sum() > 100
    assert (broken[complete == 2] == 0).mean() > 0.95


def test_independence_is_a_contingency_table():
    counts = np.array([[30.0, 5, 1], [4, 22, 6], [0, 7, 25]])
    found = independence_test(counts)
    expected = chi2_contingency(counts, correction=False)
    assert (found["Q"], found["Q_pvalue"], found["df"]) == pytest.approx(
        (expected.statistic, expected.pvalue, expected.dof), rel=1e-10
    )
    assert found["LR"] == pytest.approx(chi2_contingency(counts, correction=False, lambda_=0).statistic, rel=1e-12)


def test_chain_by_hand():
    """Two regions over four years: a stays low, low, high, high; b high, low, low, low."""
    frame = pd.DataFrame([[1, 1, 3, 3], [3, 1, 1, 1]], index=["a", "b"], columns=range(2000, 2004), dtype=float)
    values = frame.rename_axis("region").rename_axis("year", axis=1).stack().rename("y")
    tables = transitions(values, cutoffs=[2], names=["low", "high"])
    counts = tables["probabilities"]["count"].loc["all"]
    assert counts.to_dict() == {("low", "low"): 3, ("low", "high"): 1, ("high", "low"): 1, ("high", "high"): 1}
    share = tables["steady_states"]["share"].loc["all"]
    # p_low = 3/4 p_low + 1/2 p_high.
    assert share.to_dict() == pytest.approx({"low": 2 / 3, "high": 1 / 3}, rel=1e-12)
    assert tables["mobility"].loc["all", "mobility"] == pytest.approx(2 - 3 / 4 - 1 / 2, rel=1e-12)
    assert tables["classes"].loc[("b", 2000), "class"] == "high"


def test_long_run_and_mobility():
    np.testing.assert_allclose(steady_state(np.array([[0.0, 1], [1, 0]])), [0.5, 0.5], atol=1e-14)
    assert np.isnan(steady_state(np.eye(2))).all()
    assert np.isnan(steady_state(np.array([[0.5, 0.5], [np.nan, np.nan]]))).all()
    # One absorbing class: the long run is known although the chain is not irreducible.
    np.testing.assert_allclose(steady_state(np.array([[0.5, 0.5], [0, 1]])), [0, 1], atol=1e-12)
    assert mobility(np.eye(3)) == 0 and mobility(np.full((3, 3), 1 / 3)) == pytest.approx(1)


def test_empty_departures_are_missing_not_zero():
    assert np.isnan(probabilities(np.array([[2.0, 2], [0, 0]]))[1]).all()


def test_relative_values_and_same_lag_classes(chain):
    values, weights = chain
    tables = transitions(values, weights, classes=4, relative=True)
    pd.testing.assert_series_equal(tables["cutoffs"]["class"], tables["cutoffs"]["lag_class"], check_names=False)
    wide = values.unstack("year")
    again = transitions((wide / wide.mean()).stack().rename("y"), weights, classes=4)
    pd.testing.assert_frame_equal(tables["probabilities"], again["probabilities"])
    counts = tables["probabilities"]["count"]
    by_class = counts.drop(index="all", level="lag_class").groupby(["origin", "destination"]).sum()
    pd.testing.assert_series_equal(by_class, counts.loc["all"])
    assert counts.loc["all"].sum() == weights.n * 11


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 5), st.floats(0.1, 10), st.floats(-5, 5))
def test_order_and_scale_do_not_matter(seed, classes, scale, shift):
    weights = lattice(4, 4)
    values = walk(weights, 6, seed)
    tables = transitions(values, weights, classes=classes, lag_classes="own")
    other = transitions(values.sample(frac=1, random_state=1) * scale + shift, weights, classes, lag_classes="own")
    pd.testing.assert_frame_equal(tables["probabilities"], other["probabilities"])
    rows = tables["probabilities"]["probability"].groupby(["lag_class", "origin"], sort=False).sum(min_count=classes)
    assert rows.dropna().to_numpy() == pytest.approx(np.ones(rows.notna().sum()), abs=1e-12)


def test_refusals(chain):
    values, weights = chain
    with pytest.raises(RongheError, match="'y' is missing or infinite"):
        transitions(values.where(values.index != values.index[5]), weights)
    with pytest.raises(RongheError, match="row-standardised"):
        transitions(values, Weights.from_edges(weights.to_edges().assign(weight=1.0)))
    with pytest.raises(RongheError, match="too many equal values for 3 classes"):
        transitions(values * 0 + 1, classes=3)
    with pytest.raises(RongheError, match="cutoffs must rise"):
        transitions(values, cutoffs=[2, 1])
    with pytest.raises(RongheError, match="4 classes need 4 different names"):
        transitions(values, names=["low", "high"])
    lonely = Weights.from_edges(weights.to_edges().query("focal != 'r0000'"), labels=weights.labels)
    with pytest.raises(RongheError, match="no neighbours: r0000"):
        transitions(values, lonely)


def test_the_rule_needs_nothing_that_an_earlier_run_compiled(tmp_path: Path) -> None:
    script = Path("workflow/scripts/count_transitions.py").read_text(encoding="utf-8")
    before = textwrap.dedent(script.split("with journal(snakemake.log[0]):\n")[1].split("    from ronghe.explore")[0])
    assert "guvectorize" in before
    imports = before + "from giddy import ergodic, markov, mobility\nprint(markov.Markov.__name__)\n"
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": "workflow/src"}
    done = subprocess.run([sys.executable, "-c", imports], env=environment, capture_output=True, text=True)
    assert done.stdout == "Markov\n", done.stderr
