"""Scaling, weighting and aggregation against another package's figures, cells worked by hand, and identities."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from ronghe.errors import RongheError
from ronghe.measures.weighting import (
    WEIGHTINGS,
    Moments,
    aggregate,
    contribute,
    loadings,
    rank_within_years,
    scale,
    weigh,
)

EXACT = 1e-12
X = np.array(
    [[120, 3.1, 45, 0.62], [340, 2.2, 80, 0.55], [210, 4.8, 62, 0.91], [150, 1.7, 33, 0.47], [410, 3.9, 95, 0.83]]
    + [[275, 2.9, 51, 0.70]]
)
INDEX = pd.MultiIndex.from_product([list("abc"), [2019, 2020]], names=["region", "year"])
DIRECTIONS = {"w": "positive", "x": "positive", "y": "positive", "z": "negative"}


def frame(values: np.ndarray, n_years: int = 2) -> pd.DataFrame:
    regions = [f"r{i}" for i in range(len(values) // n_years)]
    index = pd.MultiIndex.from_product([regions, range(2000, 2000 + n_years)], names=["region", "year"])
    return pd.DataFrame(values, index=index, columns=[f"x{j}" for j in range(values.shape[1])])


@pytest.fixture
def scores() -> pd.DataFrame:
    return scale(pd.DataFrame(X, index=INDEX, columns=list("wxyz")), DIRECTIONS)


def test_scores_by_hand(scores):
    assert scores.loc[("a", 2020), "w"] == pytest.approx((340 - 120) / (410 - 120), abs=EXACT)
    assert scores.loc[("a", 2020), "z"] == pytest.approx((0.91 - 0.55) / (0.91 - 0.47), abs=EXACT)
    assert (scores.min() == 0).all() and (scores.max() == 1).all()


def test_yearly_scores_use_the_bounds_of_their_year():
    scores = scale(pd.DataFrame(X, index=INDEX, columns=list("wxyz")), DIRECTIONS, "yearly")
    # 2019 holds 120, 210 and 410; 2020 holds 340, 150 and 275.
    assert scores["w"].tolist() == pytest.approx([0, 1, 90 / 290, 0, 1, 125 / 190], abs=EXACT)


def test_floor_lifts_the_lowest_score_and_keeps_the_highest():
    scores = scale(pd.DataFrame(X, index=INDEX, columns=list("wxyz")), DIRECTIONS, floor=0.01)
    assert scores.min().tolist() == pytest.approx([0.01] * 4, abs=EXACT)
    assert scores.max().tolist() == pytest.approx([1] * 4, abs=EXACT)


def test_constant_indicators_are_refused_by_name_and_year():
    panel = pd.DataFrame({"x": [1.0, 2, 1, 3], "y": [5.0] * 4}, index=INDEX[:4])
    with pytest.raises(RongheError, match="constant indicator 'y'"):
        scale(panel, {"x": "positive", "y": "positive"})
    with pytest.raises(RongheError, match="constant indicator 'x' in 2019"):
        scale(panel[["x"]], {"x": "positive"}, "yearly")


def test_weights_of_another_package(scores):
    """Figures of pymcdm 1.4.0 for the same scores (its entropy weights for the scores shifted by 1e-4)."""
    critic = [0.18388043612747285, 0.25923937383989754, 0.17057458876735895, 0.38630560126527075]
    entropy = [0.27989246099876025, 0.2457784270872944, 0.2517929864576697, 0.2225361254562757]
    assert weigh(scores, "critic")[0] == pytest.approx(critic, abs=EXACT)
    assert weigh(scores, "entropy")[0] == pytest.approx(entropy, abs=EXACT)


def test_topsis_of_another_package(scores):
    """Figures of pymcdm 1.4.0 with weights 0.4, 0.3, 0.2, 0.1."""
    expected = [0.25154068504330124, 0.5621258401333219, 0.5197973224695519]
    expected += [0.17547068437708588, 0.8057360986097503, 0.4572499078426963]
    U = aggregate(scores.to_numpy(), np.array([[0.4, 0.3, 0.2, 0.1]]), "topsis")
    assert U[:, 0] == pytest.approx(expected, abs=EXACT)


def test_entropy_weight_by_hand():
    # Two cells of two regions: p = 1/2, 1/2 has e = 1 and weight 0; p = 1/4, 3/4 takes all of it.
    m = Moments.of(np.array([[0.5, 0.25], [0.5, 0.75]]), np.ones((1, 2)), 1, 0.0)
    assert WEIGHTINGS["entropy"](m)[0] == pytest.approx([0, 1], abs=EXACT)


def test_variation_weight_by_hand():
    # Standard deviations 1/2 and 1/4 over means 1/2 and 3/4: coefficients 1 and 1/3.
    m = Moments.of(np.array([[0.0, 0.5], [1.0, 1.0]]), np.ones((1, 2)), 1, 0.0)
    assert WEIGHTINGS["variation"](m)[0] == pytest.approx([3 / 4, 1 / 4], abs=EXACT)


def test_component_weights_are_squared_loadings_of_numpys_correlation(scores):
    v = np.linalg.eigh(np.corrcoef(scores.to_numpy().T))[1][:, -1]
    assert weigh(scores, "component")[0] == pytest.approx(v**2, abs=1e-10)


def test_an_indicator_against_the_component_has_a_negative_loading():
    t = np.linspace(0, 1, 8)
    R = np.column_stack([t, t**2, 1 - t])
    signs = np.sign(loadings(Moments.of(R, np.ones((1, 8)), 1, 1e-4))[0])
    assert signs.tolist() == [1, 1, -1]


@pytest.mark.parametrize("weighting", list(WEIGHTINGS))
def test_a_draw_of_regions_equals_the_panel_of_these_regions(weighting):
    rng = np.random.default_rng(7)
    scores = frame(rng.random((12, 3)), n_years=3)
    drawn = [0, 0, 3, 1]
    counts = np.bincount(drawn, minlength=4)[None, :].astype(float)
    sample = frame(np.concatenate([scores.to_numpy()[3 * i : 3 * i + 3] for i in drawn]), n_years=3)
    assert weigh(scores, weighting, counts=counts)[0] == pytest.approx(weigh(sample, weighting)[0], abs=1e-10)


def test_ranks_within_years_share_the_better_place():
    U = np.array([[0.2], [0.9], [0.7], [0.9], [0.2], [0.1]])
    years = np.array([1, 2, 1, 2, 1, 2])
    assert rank_within_years(U, years)[:, 0].tolist() == [2, 1, 1, 1, 2, 3]


cells = arrays(float, (8, 3), elements=st.floats(-1e3, 1e3, width=32)).filter(lambda a: (np.ptp(a, axis=0) > 1).all())


@settings(max_examples=40, deadline=None)
@given(cells, st.floats(0.01, 100), st.floats(-50, 50))
def test_scale_and_origin_of_an_indicator_do_not_matter(values, factor, shift):
    directions = dict.fromkeys(["x0", "x1", "x2"], "positive")
    plain, changed = scale(frame(values), directions), scale(frame(values * factor + shift), directions)
    assert np.allclose(plain, changed, atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(cells, st.sampled_from(list(WEIGHTINGS)), st.sampled_from(["additive", "topsis"]))
def test_weights_and_indices_keep_their_bounds(values, weighting, aggregation):
    scores = scale(frame(values), {"x0": "positive", "x1": "negative", "x2": "positive"})
    w = weigh(scores, weighting)
    assert w.sum() == pytest.approx(1, abs=1e-9) and (w >= -1e-12).all()
    U = aggregate(scores.to_numpy(), w, aggregation)
    assert (U >= -1e-12).all() and (U <= 1 + 1e-12).all()
    parts = contribute(scores.to_numpy(), w[0], aggregation)
    assert np.allclose(parts.sum(axis=1), U[:, 0], atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(cells, st.sampled_from(list(WEIGHTINGS)), st.permutations(range(4)))
def test_the_order_of_regions_does_not_matter(values, weighting, order):
    scores = frame(values)
    scores = scale(scores, dict.fromkeys(scores, "positive"))
    rows = np.concatenate([[2 * i, 2 * i + 1] for i in order])
    assert np.allclose(weigh(scores, weighting), weigh(frame(scores.to_numpy()[rows]), weighting), atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(cells)
def test_turning_the_direction_of_every_indicator_turns_the_equal_index(values):
    up, down = (scale(frame(values), dict.fromkeys(["x0", "x1", "x2"], d)) for d in ("positive", "negative"))
    w = np.full((1, 3), 1 / 3)
    assert np.allclose(aggregate(up.to_numpy(), w) + aggregate(down.to_numpy(), w), 1)
